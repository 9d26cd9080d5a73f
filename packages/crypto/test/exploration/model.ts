import type { NonceClaimAnswer } from '../../src/nonce-store.ts'
import type { NonceAnswer, NonceOperation } from '../../src/nonce-table.ts'
import type { Model, Step } from './explore.ts'
import { AFTER_CONFIRM, isDelivering, isOwed, promiseBy, TWO_LEASES, UNDUE, UNHANDLED } from './promises.ts'
import { encode, initialState, NAMES, type State, TICK_MS, type Who } from './state.ts'
import type { Subject } from './subject.ts'
import { consumerOf, end, passTick, spend, vanish, withConsumer, withCopy } from './world.ts'

/** A call of the nonce store, and what it answered. */
interface StoreCall {
  readonly who: Who
  readonly operation: NonceOperation
  readonly answer: NonceAnswer
}

export interface ModelStep extends Step<State> {
  readonly call?: StoreCall | undefined
  /** Time passes, or a new delivery begins at a consumer. */
  readonly event?: 'tick' | Who
}

/** Ticks. */
const LOCK = 3

/**
 * Two consumers at one queue with one message, whoever can put copies of it back, a broker with locks and a nonce store with
 * leases. The clocks of store and broker are right, those of the consumers are off. `copies`
 * bounds how often a copy is put back, `faults` how much goes wrong; time has no bound.
 */
export function createModel(
  { decide, verdict, isFromFuture, clocksOffMs, times }: Subject,
  bounds: { readonly copies: number; readonly faults: number },
): Model<State, ModelStep> {
  const sealedAt = (age: number): Date => new Date(-age * TICK_MS)
  const isStale = (age: number, who: Who): boolean => times.isStale(sealedAt(age), clocksOffMs[who])
  const leaseOf = (lock: number): number => times.leaseMs(new Date(lock * TICK_MS), 0)

  const call = (state: State, who: Who, operation: NonceOperation): { after: State; made: StoreCall } => {
    const { answer, record } = decide(state.record, operation, 0)
    const promise = state.isHandled ? undefined : promiseBy(state.promise, operation, answer)
    return { after: { ...state, record, promise }, made: { who, operation, answer } }
  }

  const handOver = (state: State, who: Who, leaseMs: number): Pick<ModelStep, 'to' | 'isDelivery' | 'broken'> => {
    const other = state.consumers[who === 0 ? 1 : 0]
    const to = withConsumer(state, who, { phase: 'handling', leaseMs })
    const broken = state.isConfirmed ? AFTER_CONFIRM : isDelivering(other) ? TWO_LEASES : undefined
    return { to, isDelivery: true, broken }
  }

  /** The broker settles only for whoever holds the lock. */
  const complete = (state: State, who: Who): Pick<ModelStep, 'to' | 'broken'> => ({
    to: end(state, who, 'gone'),
    broken: consumerOf(state, who).lock > 0 && !state.isHandled ? UNHANDLED : undefined,
  })

  const conclude = (
    state: State,
    who: Who,
    leaseMs: number,
    answer: NonceClaimAnswer | 'no answer',
  ): Pick<ModelStep, 'to' | 'isDelivery' | 'broken'> => {
    const { action } = verdict(answer)
    if (action === 'hand over') return handOver(state, who, leaseMs)
    if (action === 'complete') return complete(state, who)
    return {
      to: action === 'hold' ? state : end(state, who, action === 'abandon' ? 0 : 'gone'),
      broken: answer === 'expired' && state.promise !== undefined ? UNDUE : undefined,
    }
  }

  const claim = (state: State, who: Who): ModelStep[] => {
    const name = NAMES[who]
    if (isFromFuture(sealedAt(state.age), clocksOffMs[who])) {
      return [{ label: `${name}: from the future`, kind: 'calm', to: end(state, who, 0) }]
    }
    const leaseMs = leaseOf(consumerOf(state, who).lock)
    if (leaseMs <= 0) return [{ label: `${name}: the lock is gone`, kind: 'calm', to: end(state, who, 0) }]
    const stale = isStale(state.age, who)
    const retainMs = times.retainClaimMs(leaseMs)
    const { after, made } = call(state, who, { kind: 'claim', token: name, leaseMs, retainMs, stale })
    const answer = made.answer as NonceClaimAnswer
    const steps: ModelStep[] = [
      { label: `${name} claims: ${answer}`, kind: 'calm', call: made, ...conclude(after, who, leaseMs, answer) },
    ]
    if (state.faultsLeft === 0) return steps
    const lost = conclude(spend(after), who, leaseMs, 'no answer')
    const down = conclude(spend(state), who, leaseMs, 'no answer')
    steps.push({ label: `${name} claims: ${answer}, which is lost`, kind: 'fault', call: made, ...lost })
    steps.push({ label: `${name} claims: the store is down`, kind: 'fault', ...down })
    return steps
  }

  const handle = (state: State, who: Who): ModelStep[] => {
    const name = NAMES[who]
    const done = withConsumer({ ...state, isHandled: true, promise: undefined }, who, { phase: 'handled' })
    const steps: ModelStep[] = [{ label: `${name} has handled it`, kind: 'work', to: done }]
    if (state.faultsLeft === 0) return steps
    // The guard asks for as long as the lease was, or longer: this is the least.
    const retainMs = times.retainClaimMs(0)
    const { after, made } = call(spend(state), who, { kind: 'release', token: name, retainMs })
    // Whoever asks for the release counts on its lease no more, whatever the answer.
    const released = withConsumer(after, who, { phase: 'released', leaseMs: 0 })
    const to = made.answer === 'ok' ? released : vanish(after, who)
    steps.push({ label: `${name} releases: ${made.answer}`, kind: 'fault', call: made, to })
    const unheard = withConsumer(after, who, { leaseMs: 0 })
    if (state.faultsLeft > 1) {
      const label = `${name} releases: ${made.answer}, which is lost`
      steps.push({ label, kind: 'fault', call: made, to: spend(unheard) })
    }
    return steps
  }

  const confirm = (state: State, who: Who): ModelStep[] => {
    const name = NAMES[who]
    const retainMs = times.retainCompletedMs(sealedAt(state.age), clocksOffMs[who])
    const { after, made } = call(state, who, { kind: 'confirm', token: name, retainMs })
    const confirmed = { ...after, isConfirmed: state.isConfirmed || made.answer === 'ok' }
    const to = made.answer === 'lost' ? vanish(after, who) : withConsumer(confirmed, who, { phase: 'confirmed' })
    const steps: ModelStep[] = [{ label: `${name} confirms: ${made.answer}`, kind: 'work', call: made, to }]
    if (state.faultsLeft === 0) return steps
    const label = `${name} confirms: ${made.answer}, which is lost`
    return [...steps, { label, kind: 'fault', call: made, to: spend(confirmed) }]
  }

  /** The lock, and the claim with it where there is one. */
  const renew = (state: State, who: Who): ModelStep[] => {
    const { phase, lock } = consumerOf(state, who)
    if (lock === 0 || phase === 'idle') return []
    const locked = withConsumer(state, who, { lock: LOCK })
    if (phase !== 'handling' && phase !== 'handled') {
      return [{ label: `${NAMES[who]} renews its lock`, kind: 'work', to: locked }]
    }
    const leaseMs = leaseOf(LOCK)
    const { after, made } = call(locked, who, { kind: 'renew', token: NAMES[who], leaseMs })
    const to = made.answer === 'ok' ? withConsumer(after, who, { leaseMs }) : after
    const broken = to.consumers.every(isDelivering) ? TWO_LEASES : undefined
    return [{ label: `${NAMES[who]} renews: ${made.answer}`, kind: 'work', call: made, to, broken }]
  }

  const act = (state: State, who: Who): ModelStep[] => {
    const name = NAMES[who]
    switch (consumerOf(state, who).phase) {
      case 'idle': {
        if (state.waiting[0] !== 0) return []
        const taken = { ...state, waiting: state.waiting.slice(1) }
        const to = withConsumer(taken, who, { phase: 'opened', lock: LOCK })
        return [{ label: `${name} receives`, kind: 'calm', event: who, to }]
      }
      case 'opened':
        return claim(state, who)
      case 'handling':
        return handle(state, who)
      case 'handled':
        return confirm(state, who)
      case 'confirmed':
        return [{ label: `${name} completes`, kind: 'work', ...complete(state, who) }]
      case 'released':
        return [{ label: `${name} abandons`, kind: 'calm', to: end(state, who, 0) }]
    }
  }

  /** A crash, or a settlement that the broker never gets: nothing of the delivery is left but its lock and its claim. */
  const mishaps = (state: State, who: Who): ModelStep[] => {
    const { phase, lock } = consumerOf(state, who)
    if (phase === 'idle' || state.faultsLeft === 0) return []
    const crash: ModelStep = { label: `${NAMES[who]} crashes`, kind: 'fault', to: spend(vanish(state, who)) }
    if (lock === 0) return [crash]
    const unlocked = withCopy(withConsumer(spend(state), who, { lock: 0 }), 0)
    return [crash, { label: `the broker forgets the lock of ${NAMES[who]}`, kind: 'fault', to: unlocked }]
  }

  return {
    initial: initialState(bounds),
    encode,
    isOwed: (state) => isOwed(state, isStale),
    steps(state) {
      const steps: ModelStep[] = [{ label: 'time passes', kind: 'calm', event: 'tick', to: passTick(state) }]
      if (state.copiesLeft > 0) {
        const to = withCopy({ ...state, copiesLeft: state.copiesLeft - 1 }, 0)
        steps.push({ label: 'a copy is put back', kind: 'attack', to })
      }
      for (const who of [0, 1] as const) steps.push(...act(state, who), ...renew(state, who), ...mishaps(state, who))
      return steps
    },
  }
}
