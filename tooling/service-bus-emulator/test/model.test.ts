import { fakeClock } from '@queue-runtime/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Taken as RealTaken } from '../src/store/consumer.ts'
import type { Hold } from '../src/store/entry.ts'
import { StoreError } from '../src/store/errors.ts'
import { createQueue, type Queue } from '../src/store/queue.ts'
import { DEFAULT_SETTINGS } from '../src/store/settings.ts'
import { createModel, type ModelMessage, type Outcome, type Rules, type Side, type Taken } from './model.ts'
import { START } from './support.ts'

const RUNS = 300 * Number(process.env.TEST_SCALE ?? 1)

const rules = fc.record<Rules>({
  lockDurationMs: fc.integer({ min: 1, max: 8 }),
  maxDeliveryCount: fc.integer({ min: 1, max: 3 }),
  timeToLiveMs: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 12),
  deadLetterOnExpiration: fc.boolean(),
  requiresSession: fc.boolean(),
  duplicateDetectionMs: fc.constantFrom(0, 6),
})

type Step =
  | {
      readonly do: 'send'
      readonly id: number
      readonly session: string | undefined
      readonly inMs: number
      readonly ttl: number | undefined
    }
  | {
      readonly do: 'take'
      readonly side: Side
      readonly max: number
      readonly mode: 'lock' | 'delete'
      readonly which: number
    }
  | { readonly do: 'takeDeferred'; readonly side: Side; readonly which: number; readonly hold: number }
  | { readonly do: 'settle'; readonly outcome: Outcome; readonly ago: number }
  | { readonly do: 'renew'; readonly ago: number }
  | { readonly do: 'cancel'; readonly seq: number }
  | { readonly do: 'accept'; readonly session: string }
  | { readonly do: 'acceptNext' }
  | { readonly do: 'renewSession' | 'release'; readonly which: number }
  | { readonly do: 'advance'; readonly ms: number }

const named = <N extends Step['do']>(name: N): fc.Arbitrary<N> => fc.constant(name)
const session = fc.constantFrom('s-1', 's-2', 's-3')
const side = fc.constantFrom<Side>('messages', 'messages', 'messages', 'deadLetters')
const recent = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat({ max: 20 }))
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>): fc.WeightedArbitrary<Step> => ({ weight, arbitrary })

const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  weighted(
    8,
    fc.record({
      do: named('send'),
      id: fc.nat({ max: 30 }),
      session: fc.option(session, { nil: undefined, freq: 12 }),
      inMs: fc.constantFrom(-3, 0, 0, 0, 2, 5),
      ttl: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 2 }),
    }),
  ),
  weighted(
    6,
    fc.record({
      ...{ do: named('take'), side, max: fc.integer({ min: 1, max: 3 }), which: fc.nat({ max: 4 }) },
      mode: fc.constantFrom('lock', 'lock', 'lock', 'delete'),
    }),
  ),
  weighted(2, fc.record({ do: named('takeDeferred'), side, which: fc.nat({ max: 5 }), hold: fc.nat({ max: 4 }) })),
  weighted(
    7,
    fc.record({
      do: named('settle'),
      outcome: fc.constantFrom<Outcome[]>('complete', 'abandon', 'abandon', 'defer', 'deadLetter'),
      ago: recent,
    }),
  ),
  weighted(2, fc.record({ do: named('renew'), ago: recent })),
  weighted(1, fc.record({ do: named('cancel'), seq: fc.integer({ min: 1, max: 12 }) })),
  weighted(2, fc.record({ do: named('accept'), session })),
  weighted(2, fc.record({ do: named('acceptNext') })),
  weighted(1, fc.record({ do: named('renewSession'), which: fc.nat({ max: 4 }) })),
  weighted(1, fc.record({ do: named('release'), which: fc.nat({ max: 4 }) })),
  weighted(6, fc.record({ do: named('advance'), ms: fc.integer({ min: 1, max: 9 }) })),
)

const refusalOf = <T>(act: () => T): T | string => {
  try {
    return act()
  } catch (error) {
    if (error instanceof StoreError) return error.refusal
    throw error
  }
}

const outcomeOf = (act: () => void): string => refusalOf(act) ?? 'done'

interface Watch {
  isTold: boolean
}

const tell = (watch: Watch) => (): void => {
  watch.isTold = true
}

const takeNow = (
  queue: Queue,
  from: Side,
  max: number,
  mode: 'lock' | 'delete',
  hold: Hold | undefined,
): RealTaken[] => {
  const taken: RealTaken[] = []
  const leave = queue[from].join({ mode, hold, wants: () => taken.length < max, deliver: (each) => taken.push(each) })
  queue.serve()
  leave()
  return taken
}

const shownTaken = ({ entry, lock }: RealTaken): unknown => [
  ...[entry.sequenceNumber, entry.deliveryCount, lock?.hold?.until ?? lock?.until],
]

const shownStored = (queue: Queue, from: Side): unknown =>
  queue[from]
    .peek(0, 1_000, undefined)
    .map(({ sequenceNumber, content: { messageId, sessionId }, state, deliveryCount, lock, properties }) => ({
      ...{ sequenceNumber, messageId, sessionId, state, deliveryCount, isLocked: lock !== null },
      reason: properties.DeadLetterReason,
    }))

const shownListed = (messages: readonly ModelMessage[]): unknown =>
  messages.map(({ seq, id, session: sessionId, state, deliveryCount, heldBy, reason }) => ({
    ...{ sequenceNumber: seq, messageId: id, sessionId, state, deliveryCount, isLocked: heldBy !== null },
    reason,
  }))

/** Runs the same steps on a queue and on the model; throws where they differ. */
async function compare(chosen: Rules, steps: readonly Step[]): Promise<void> {
  const clock = fakeClock(START)
  const queue = createQueue('orders', { ...DEFAULT_SETTINGS, ...chosen }, clock)
  const model = createModel(chosen, START)
  const deliveries: { readonly token: string; readonly number: number }[] = []
  const holds: { readonly real: Hold; readonly number: number; readonly watch: Watch; isReleased: boolean }[] = []

  const note = (real: readonly RealTaken[], modelled: readonly Taken[]): void => {
    expect(real.map(shownTaken)).toEqual(
      modelled.map(({ seq, deliveryCount, lockedUntil }) => [seq, deliveryCount, lockedUntil]),
    )
    for (const [index, { lock }] of real.entries()) {
      const { number } = modelled[index] ?? {}
      if (lock !== undefined && number !== undefined) deliveries.unshift({ token: lock.token, number })
    }
  }

  /** Mostly one that is alive. */
  const holdAt = (which: number): (typeof holds)[number] | undefined => {
    const alive = holds.filter(({ real }) => !real.isLost)
    return alive[which] ?? alive[0] ?? holds[which]
  }

  /** Both got the session, or both were refused; `watch` is told when its lock runs out. */
  const noteHold = (real: Hold | string, modelled: number | string, watch: Watch): void => {
    if (typeof real === 'string' || typeof modelled === 'string') expect(real).toBe(modelled)
    else holds.unshift({ real, number: modelled, watch, isReleased: false })
  }

  const run: { readonly [N in Step['do']]: (step: Extract<Step, { readonly do: N }>) => void | Promise<void> } = {
    send({ id, session: sessionId, inMs, ttl }) {
      const scheduledAt = inMs === 0 ? undefined : clock.now() + inMs
      const content = { messageId: `${id}`, sessionId, timeToLiveMs: ttl, scheduledAt, payload: new Uint8Array() }
      const real = refusalOf(() => queue.send([content])[0])
      expect(real).toBe(model.send(`${id}`, sessionId, inMs, ttl))
    },
    take({ side: from, max, mode, which }) {
      const hold = from === 'messages' ? holdAt(which) : undefined
      if (chosen.requiresSession && from === 'messages' && hold === undefined) return
      const used = chosen.requiresSession ? hold : undefined
      note(takeNow(queue, from, max, mode, used?.real), model.take(from, max, mode, used?.number))
    },
    takeDeferred({ side: from, which, hold: whichHold }) {
      const deferred = model.list(from).filter(({ state }) => state !== 'scheduled')[which]
      const hold = chosen.requiresSession && from === 'messages' ? holdAt(whichHold) : undefined
      if (deferred === undefined || (chosen.requiresSession && from === 'messages' && hold?.real.isLost !== false))
        return
      const real = refusalOf(() => queue[from].takeDeferred([deferred.seq], 'lock', hold?.real))
      const modelled = model.takeDeferred(from, deferred.seq, hold?.number)
      if (typeof real === 'string' || typeof modelled === 'string') expect(real).toBe(modelled)
      else note(real, modelled)
    },
    settle({ outcome, ago }) {
      const delivery = deliveries[ago]
      if (delivery === undefined) return
      const properties = outcome === 'deadLetter' ? { DeadLetterReason: 'asked for' } : {}
      const real = outcomeOf(() => queue.settle(delivery.token, outcome, properties))
      expect(real).toBe(model.settle(delivery.number, outcome))
    },
    renew({ ago }) {
      const delivery = deliveries[ago]
      if (delivery === undefined) return
      expect(outcomeOf(() => void queue.renew(delivery.token))).toBe(model.renew(delivery.number))
    },
    cancel: ({ seq }) => expect(outcomeOf(() => queue.cancel([seq]))).toBe(model.cancel(seq)),
    accept({ session: sessionId }) {
      if (!chosen.requiresSession) return
      const watch = { isTold: false }
      const real = refusalOf(() => queue.acceptSession(sessionId, 'me', tell(watch)))
      noteHold(real, model.accept(sessionId), watch)
    },
    acceptNext() {
      if (!chosen.requiresSession) return
      const watch = { isTold: false }
      let real: Hold | string = 'none'
      const leave = queue.acceptNext({
        ...{ owner: 'me', deadline: Number.POSITIVE_INFINITY, onLost: tell(watch), timedOut: () => {} },
        granted(hold) {
          real = hold
        },
      })
      leave()
      noteHold(real, model.acceptNext(), watch)
    },
    renewSession({ which }) {
      const hold = holdAt(which)
      if (hold === undefined) return
      expect(outcomeOf(() => void queue.renewSession(hold.real))).toBe(model.renewSession(hold.number))
    },
    release({ which }) {
      const hold = holdAt(which)
      if (hold === undefined) return
      if (!hold.real.isLost) hold.isReleased = true
      queue.releaseSession(hold.real)
      model.release(hold.number)
    },
    async advance({ ms }) {
      await clock.advance(ms)
      model.advance(ms)
    },
  }

  for (const each of steps) {
    await (run[each.do] as (step: Step) => void | Promise<void>)(each)
    for (const from of ['messages', 'deadLetters'] as const) {
      expect(shownStored(queue, from)).toEqual(shownListed(model.list(from)))
    }
    const alive = model.holds().map(({ number }) => number)
    expect(
      holds
        .filter(({ real }) => !real.isLost)
        .map(({ number }) => number)
        .sort(),
    ).toEqual(alive.sort())
    for (const { real, watch, isReleased } of holds) expect(watch.isTold).toBe(real.isLost && !isReleased)
  }
  queue.close()
}

test('a queue does what the model does, whatever happens in whatever order', async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 80, size: 'max' })
  await fc.assert(fc.asyncProperty(rules, steps, compare), { numRuns: RUNS, seed: 5_672 })
})
