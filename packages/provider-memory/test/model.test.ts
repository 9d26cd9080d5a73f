import type { QueueError } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredMessage } from '../src/index.ts'
import { type Act, createModel, type ModelDelivery, type ModelMessage, type Rules, type Side } from './model.ts'
import { bytes, never, START, setUp, textOf, wire } from './support.ts'

const rules = fc.record<Rules>({
  lockMs: fc.integer({ min: 1, max: 8 }),
  maxDeliveryCount: fc.integer({ min: 1, max: 3 }),
  deadLetter: fc.boolean(),
  maxQueueSize: fc.constantFrom(3, 1_000),
})

const timeToLiveMs = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 12 }))
const side = fc.constantFrom<Side>('messages', 'messages', 'deadLetters')
const few = fc.integer({ min: 1, max: 3 })
type Step =
  | { readonly name: 'send'; readonly inMs: number; readonly timeToLiveMs: number | undefined }
  | { readonly name: 'put'; readonly inMs: number; readonly timeToLiveMs: number | undefined }
  | { readonly name: 'receive'; readonly side: Side; readonly maxMessages: number; readonly waitMs: number }
  | { readonly name: 'abort'; readonly which: number }
  | { readonly name: 'settle'; readonly act: Act; readonly ago: number; readonly delayMs: number }
  | { readonly name: 'edit' | 'remove'; readonly id: string }
  | { readonly name: 'advance'; readonly ms: number }
  | { readonly name: 'inspect' }

const inMs = fc.integer({ min: -2, max: 6 })
const id = fc.integer({ min: 1, max: 12 }).map(String)
const named = <N extends Step['name']>(name: N): fc.Arbitrary<N> => fc.constant(name)

const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 7, arbitrary: fc.record({ name: named('send'), inMs, timeToLiveMs }) },
  { weight: 1, arbitrary: fc.record({ name: named('put'), inMs, timeToLiveMs }) },
  { weight: 4, arbitrary: fc.record({ name: named('receive'), side, maxMessages: few, waitMs: fc.constant(0) }) },
  {
    weight: 3,
    arbitrary: fc.record({ name: named('receive'), side, maxMessages: few, waitMs: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ name: named('abort'), which: fc.nat() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      name: named('settle'),
      act: fc.constantFrom<Act[]>('complete', 'abandon', 'abandon', 'deadLetter', 'renewLock'),
      // The latest deliveries are the ones whose locks may still live.
      ago: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat({ max: 20 })),
      delayMs: fc.constantFrom(0, 0, 1, 3, 9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ name: named('edit'), id }) },
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

/** One call of receive, here and in the model, until both have ended. */
interface Call {
  real: Delivery[] | 'pending' | 'aborted'
  modelled: ModelDelivery[] | 'pending' | 'aborted'
  abort(): void
}

const shownReal = (call: Call['real']): unknown =>
  typeof call === 'string'
    ? call
    : call.map(({ message: { brokerMessageId: id, body, deliveryCount, lockedUntil } }) => [
        ...[id, textOf(body), deliveryCount, lockedUntil.getTime()],
      ])

const shownModelled = (call: Call['modelled']): unknown =>
  typeof call === 'string'
    ? call
    : call.map(({ id, body, deliveryCount, lockedUntil }) => [id, body, deliveryCount, lockedUntil])

const shownStored = ({ lockedUntil, deadLettered, ...message }: StoredMessage): unknown => ({
  id: message.brokerMessageId,
  body: textOf(message.body),
  deliveryCount: message.deliveryCount,
  state: message.state,
  lockedUntil: lockedUntil?.getTime() ?? null,
  buried: deadLettered ? { reason: deadLettered.reason, at: deadLettered.at.getTime() } : null,
})

const shownListed = (now: number, { heldBy, visibleAt, lockedUntil, ...message }: ModelMessage): unknown => ({
  id: message.id,
  body: message.body,
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
  const calls: Call[] = []
  const deliveries: (readonly [real: Delivery, modelled: ModelDelivery])[] = []

  const receive = (side: Side, maxMessages: number, waitMs: number): void => {
    const receiver = receivers[side]
    if (receiver === undefined) return
    const controller = new AbortController()
    const call: Call = { real: 'pending', modelled: 'pending', abort: () => {} }
    calls.push(call)
    receiver.receive({ maxMessages, waitMs, signal: controller.signal }).then(
      (real) => Object.assign(call, { real }),
      () => Object.assign(call, { real: 'aborted' }),
    )
    const leave = model.receive(side, maxMessages, waitMs, (modelled) => Object.assign(call, { modelled }))
    call.abort = () => {
      controller.abort(new Error('aborted'))
      leave()
      call.modelled = 'aborted'
    }
  }

  /** Compares the calls that have ended, here or there, and pairs what they gave. */
  const endCalls = (): void => {
    for (const call of calls.splice(0)) {
      expect(shownReal(call.real)).toEqual(shownModelled(call.modelled))
      if (call.real === 'pending') calls.push(call)
      if (typeof call.real === 'string' || typeof call.modelled === 'string') continue
      for (const [index, modelled] of call.modelled.entries()) {
        const real = call.real[index]
        if (real !== undefined) deliveries.push([real, modelled])
      }
    }
  }

  const inspect = (): void => {
    expect(queue.messages().map(shownStored)).toEqual(
      model.list('messages').map((message) => shownListed(model.now, message)),
    )
    expect(queue.deadLetters().map(shownStored)).toEqual(
      model.list('deadLetters').map((message) => shownListed(model.now, message)),
    )
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

  const run = async (step: Step): Promise<void> => {
    switch (step.name) {
      case 'send':
      case 'put': {
        const { inMs, timeToLiveMs } = step
        const deliverAt = clock.now() + inMs
        const message = wire('as sent', { deliverAt: new Date(deliverAt), timeToLiveMs })
        const modelled = ['as sent', deliverAt, timeToLiveMs ?? Number.POSITIVE_INFINITY] as const
        if (step.name === 'put') {
          queue.put(message)
          return model.put(...modelled)
        }
        const [outcome] = await transport.send([message], { signal: never })
        expect(outcome?.error?.code ?? 'stored').toBe(model.send(...modelled))
        return
      }
      case 'receive':
        return receive(step.side, step.maxMessages, step.waitMs)
      case 'abort':
        return calls[step.which % calls.length]?.abort()
      case 'settle':
        return settle(step)
      case 'edit':
        return expect(queue.replace(step.id, { body: bytes('edited') })).toBe(model.edit(step.id, 'edited'))
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
    endCalls()
  }
  inspect()
  await transport.close()
  await allDone()
  expect(clock.sleepers).toBe(0)
}

test('PM2, PM3, PM5, C7, C8: any interleaving of calls and time gives what a simple list of messages would give', async () => {
  const interleavings = fc.array(step, { minLength: 5, maxLength: 80, size: 'max' })
  await fc.assert(fc.asyncProperty(rules, interleavings, compare), { numRuns: 1_000, seed: 1 })
}, 60_000)
