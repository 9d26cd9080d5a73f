import { isQueueError, type QueueError } from '@queue-runtime/core'
import type { Delivery, SessionTransport } from '@queue-runtime/core/provider'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredMessage } from '../src/index.ts'
import {
  type Act,
  createModel,
  type ModelDelivery,
  type ModelMessage,
  type ModelSession,
  type Rules,
  type Side,
} from './model.ts'
import { acceptOf, bytes, never, START, setUp, textOf, wire } from './support.ts'

const SCALE = Number(process.env.TEST_SCALE ?? 1)

const rules = fc.record<Rules>({
  lockMs: fc.integer({ min: 1, max: 8 }),
  sessionLockMs: fc.integer({ min: 1, max: 12 }),
  maxDeliveryCount: fc.integer({ min: 1, max: 3 }),
  deadLetter: fc.boolean(),
  maxQueueSize: fc.constantFrom(3, 1_000),
  deduplicationWindowMs: fc.constantFrom(undefined, 1, 6),
})

const timeToLiveMs = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 12 }))
const side = fc.constantFrom<Side>('messages', 'messages', 'deadLetters')
const few = fc.integer({ min: 1, max: 3 })
const waitMs = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 }))
const sessionId = fc.constantFrom(undefined, 'A', 'A', 'B')
const inMs = fc.integer({ min: -2, max: 6 })
const id = fc.integer({ min: 1, max: 12 }).map(String)
/** The latest of anything are the ones whose locks may still live. */
const ago = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat({ max: 20 }))
const recent = fc.integer({ min: 0, max: 1 })

interface Sent {
  readonly inMs: number
  readonly timeToLiveMs: number | undefined
  readonly sessionId: string | undefined
  /** Undefined: one of its own. */
  readonly deduplicationId: string | undefined
}

type Step =
  | ({ readonly name: 'send' | 'put' } & Sent)
  | { readonly name: 'receive'; readonly side: Side; readonly maxMessages: number; readonly waitMs: number }
  | { readonly name: 'abort'; readonly which: number }
  | { readonly name: 'settle'; readonly act: Act; readonly ago: number; readonly delayMs: number }
  | { readonly name: 'accept'; readonly sessionId: string | undefined; readonly waitMs: number }
  | { readonly name: 'receiveIn'; readonly ago: number; readonly maxMessages: number; readonly waitMs: number }
  | { readonly name: 'renew' | 'close'; readonly ago: number }
  | { readonly name: 'edit'; readonly id: string; readonly sessionId: string | undefined }
  | { readonly name: 'remove'; readonly id: string }
  | { readonly name: 'advance'; readonly ms: number }
  | { readonly name: 'inspect' }

const named = <N extends Step['name']>(name: N): fc.Arbitrary<N> => fc.constant(name)
const deduplicationId = fc.constantFrom(undefined, undefined, undefined, 'one', 'two')
const sent = { inMs, timeToLiveMs, sessionId, deduplicationId }

const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 8, arbitrary: fc.record({ name: named('send'), ...sent }) },
  { weight: 1, arbitrary: fc.record({ name: named('put'), ...sent }) },
  { weight: 6, arbitrary: fc.record({ name: named('receive'), side, maxMessages: few, waitMs }) },
  { weight: 1, arbitrary: fc.record({ name: named('abort'), which: fc.nat() }) },
  {
    weight: 7,
    arbitrary: fc.record({
      name: named('settle'),
      act: fc.constantFrom<Act[]>('complete', 'abandon', 'abandon', 'deadLetter', 'renewLock'),
      ago,
      delayMs: fc.constantFrom(0, 0, 1, 3, 9),
    }),
  },
  { weight: 4, arbitrary: fc.record({ name: named('accept'), sessionId, waitMs }) },
  { weight: 6, arbitrary: fc.record({ name: named('receiveIn'), ago: recent, maxMessages: few, waitMs }) },
  { weight: 1, arbitrary: fc.record({ name: named('renew'), ago: recent }) },
  { weight: 1, arbitrary: fc.record({ name: named('close'), ago: recent }) },
  { weight: 1, arbitrary: fc.record({ name: named('edit'), id, sessionId }) },
  { weight: 1, arbitrary: fc.record({ name: named('remove'), id }) },
  { weight: 6, arbitrary: fc.record({ name: named('advance'), ms: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ name: named('inspect') }) },
)

const allDone = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: QueueError) => error.code,
  )

/** One call that may wait, here and in the model, until both have ended. A text says how it ended without a result. */
interface Call<Real, Modelled> {
  real: Real | string
  modelled: Modelled | string
  abort(): void
}

/** Calls of one kind: how their results are compared, and where they go afterwards. */
interface Calls<Real, Modelled> {
  readonly open: Call<Real, Modelled>[]
  begin(
    real: (signal: AbortSignal) => Promise<Real>,
    modelled: (done: (result: Modelled | string) => void) => () => void,
  ): void
  /** Compares the calls that have ended, here or there. */
  end(): void
}

function createCalls<Real, Modelled>(
  show: (real: Real) => unknown,
  showModelled: (modelled: Modelled) => unknown,
  onEnd: (real: Real, modelled: Modelled) => void,
): Calls<Real, Modelled> {
  const open: Call<Real, Modelled>[] = []
  return {
    open,
    begin(real, modelled) {
      const controller = new AbortController()
      const call: Call<Real, Modelled> = { real: 'pending', modelled: 'pending', abort: () => {} }
      open.push(call)
      const reason = new Error('aborted')
      real(controller.signal).then(
        (result) => Object.assign(call, { real: result }),
        (error: unknown) => Object.assign(call, { real: error === reason ? 'aborted' : (error as QueueError).code }),
      )
      const leave = modelled((result) => Object.assign(call, { modelled: result }))
      call.abort = () => {
        controller.abort(reason)
        leave()
        call.modelled = 'aborted'
      }
    },
    end() {
      for (const call of open.splice(0)) {
        const { real, modelled } = call
        const shown = typeof real === 'string' ? real : show(real)
        expect(shown).toEqual(typeof modelled === 'string' ? modelled : showModelled(modelled))
        if (real === 'pending') open.push(call)
        if (typeof real !== 'string' && typeof modelled !== 'string') onEnd(real, modelled)
      }
    },
  }
}

const shownReal = (deliveries: Delivery[]): unknown =>
  deliveries.map(({ message: { brokerMessageId: id, body, sessionId, deliveryCount, lockedUntil } }) => [
    ...[id, textOf(body), sessionId, deliveryCount, lockedUntil.getTime()],
  ])

const shownModelled = (deliveries: ModelDelivery[]): unknown =>
  deliveries.map(({ id, body, sessionId, deliveryCount, lockedUntil }) => [
    ...[id, body, sessionId, deliveryCount, lockedUntil],
  ])

const shownStored = ({ lockedUntil, deadLettered, ...message }: StoredMessage): unknown => ({
  id: message.brokerMessageId,
  body: textOf(message.body),
  sessionId: message.sessionId,
  deliveryCount: message.deliveryCount,
  state: message.state,
  lockedUntil: lockedUntil?.getTime() ?? null,
  buried: deadLettered ? { reason: deadLettered.reason, at: deadLettered.at.getTime() } : null,
})

const shownListed = (now: number, lockedUntil: number, { heldBy, visibleAt, ...message }: ModelMessage): unknown => ({
  id: message.id,
  body: message.body,
  sessionId: message.sessionId,
  deliveryCount: message.deliveryCount,
  state: heldBy !== null ? 'locked' : visibleAt > now ? 'scheduled' : 'active',
  lockedUntil: heldBy === null ? null : lockedUntil,
  buried: message.buried,
})

/** Runs the same steps on the broker and on the model; throws where they differ. */
async function compare(rules: Rules, steps: readonly Step[]): Promise<void> {
  const { broker, clock, transport } = setUp(rules)
  const model = createModel(rules, START)
  const queue = broker.queue('orders')
  const receivers = { messages: transport, deadLetters: transport.deadLetters?.() }
  const acceptSession = acceptOf(transport)
  const deliveries: (readonly [real: Delivery, modelled: ModelDelivery])[] = []
  const sessions: (readonly [real: SessionTransport, modelled: ModelSession])[] = []

  const receives = createCalls(shownReal, shownModelled, (real, modelled) => {
    for (const [index, delivery] of real.entries()) {
      const twin = modelled[index]
      if (twin !== undefined) deliveries.push([delivery, twin])
    }
  })

  const accepts = createCalls<SessionTransport | null, ModelSession | null>(
    (session) => session && [session.sessionId, session.lockedUntil.getTime()],
    (session) => session && [session.id, session.lockedUntil],
    (real, modelled) => {
      if (real !== null && modelled !== null) sessions.push([real, modelled])
    },
  )

  const acceptNamed = async (sessionId: string): Promise<void> => {
    const modelled = model.acceptNamed(sessionId)
    const real = await acceptSession({ sessionId, waitMs: 0, signal: never }).catch((error: unknown) => error)
    if (!('id' in modelled)) {
      expect(isQueueError(real, 'SessionLocked') && real.facts.lockedUntil?.getTime()).toBe(modelled.lockedUntil)
      return
    }
    const session = real as SessionTransport
    expect([session.sessionId, session.lockedUntil.getTime()]).toEqual([modelled.id, modelled.lockedUntil])
    sessions.push([session, modelled])
  }

  const inspect = (): void => {
    for (const side of ['messages', 'deadLetters'] as const) {
      expect(queue[side]().map(shownStored)).toEqual(
        model.list(side).map((message) => shownListed(model.now, model.lockedUntil(message), message)),
      )
    }
  }

  const settle = async ({ act, ago, delayMs }: Extract<Step, { name: 'settle' }>): Promise<void> => {
    const pair = deliveries.at(-1 - ago)
    if (pair === undefined) return
    const [real, { number }] = pair
    const acts: Record<Act, () => Promise<unknown>> = {
      complete: () => real.complete(),
      abandon: () => real.abandon({ delayMs }),
      deadLetter: () => real.deadLetter({ reason: 'asked for' }),
      renewLock: () => real.renewLock(),
    }
    expect(await codeOf(acts[act]())).toBe(model.act(number, act, delayMs))
  }

  let lastMessage = 0

  const send = async (step: Extract<Step, { name: 'send' | 'put' }>): Promise<void> => {
    lastMessage += 1
    const { inMs, timeToLiveMs, sessionId, deduplicationId = `${lastMessage}` } = step
    const deliverAt = clock.now() + inMs
    const message = wire('as sent', { deliverAt: new Date(deliverAt), timeToLiveMs, sessionId, deduplicationId })
    const times = { deliverAt, timeToLiveMs: timeToLiveMs ?? Number.POSITIVE_INFINITY }
    const modelled = { body: 'as sent', sessionId, deduplicationId, ...times }
    if (step.name === 'put') {
      queue.put(message)
      return model.put(modelled)
    }
    const [outcome] = await transport.send([message], { signal: never })
    expect(outcome?.error?.code ?? 'stored').toBe(model.send(modelled))
  }

  const run = async (step: Step): Promise<void> => {
    switch (step.name) {
      case 'send':
      case 'put':
        return send(step)
      case 'receive': {
        const { side, maxMessages, waitMs } = step
        const receiver = receivers[side]
        if (receiver === undefined) return
        return receives.begin(
          (signal) => receiver.receive({ maxMessages, waitMs, signal }),
          (done) => model.receive(side, maxMessages, waitMs, done),
        )
      }
      case 'abort': {
        const calls = [...receives.open, ...accepts.open]
        return calls[step.which % calls.length]?.abort()
      }
      case 'settle':
        return settle(step)
      case 'accept': {
        const { sessionId, waitMs } = step
        if (sessionId !== undefined) return acceptNamed(sessionId)
        return accepts.begin(
          (signal) => acceptSession({ sessionId, waitMs, signal }),
          (done) => model.acceptNext(waitMs, done),
        )
      }
      case 'receiveIn': {
        const { maxMessages, waitMs } = step
        const [real, modelled] = sessions.at(-1 - step.ago) ?? []
        if (real === undefined || modelled === undefined) return
        return receives.begin(
          (signal) => real.receive({ maxMessages, waitMs, signal }),
          (done) => model.receiveIn(modelled.number, maxMessages, waitMs, done),
        )
      }
      case 'renew': {
        const [real, modelled] = sessions.at(-1 - step.ago) ?? []
        if (real === undefined || modelled === undefined) return
        const renewed = await real.renewLock().then(
          (end) => end.getTime(),
          (error: QueueError) => error.code,
        )
        return expect(renewed).toBe(model.renew(modelled.number))
      }
      case 'close': {
        const [real, modelled] = sessions.at(-1 - step.ago) ?? []
        if (real === undefined || modelled === undefined) return
        await real.close()
        return model.close(modelled.number)
      }
      case 'edit': {
        const change = { body: 'edited', sessionId: step.sessionId }
        return expect(queue.replace(step.id, { ...change, body: bytes(change.body) })).toBe(model.edit(step.id, change))
      }
      case 'remove':
        return expect(queue.remove(step.id)).toBe(model.remove(step.id))
      case 'advance':
        await clock.advance(step.ms)
        return model.advance(step.ms)
      case 'inspect':
        return inspect()
    }
  }

  for (const step of steps) {
    await run(step)
    await allDone()
    receives.end()
    accepts.end()
  }
  inspect()
  await transport.close()
  await allDone()
  expect(clock.sleepers).toBe(0)
}

test(
  'PM2, PM3, PM4, PM5, PM6, PM9, C7, C8, C12, C15: any interleaving of calls and time gives what a simple list of messages would give',
  async () => {
    const interleavings = fc.array(step, { minLength: 5, maxLength: 80, size: 'max' })
    await fc.assert(fc.asyncProperty(rules, interleavings, compare), { numRuns: 1_000 * SCALE, seed: 1 })
  },
  60_000 * SCALE,
)
