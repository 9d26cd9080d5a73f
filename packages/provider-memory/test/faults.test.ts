import { QueueError } from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import { describe, expect, test } from 'vitest'
import { type BrokerCall, type Fault, type MemoryBrokerOptions, memoryProvider } from '../src/index.ts'
import {
  accept,
  acceptOf,
  bodies,
  bodiesOf,
  bytes,
  deadLettersOf,
  look,
  never,
  outcomeOf,
  START,
  sendAll,
  sendTo,
  setUp,
  take,
  textOf,
  wire,
} from './support.ts'

const connectionFailed = new QueueError('ConnectionFailed', 'The connection broke.')
const timeout = new QueueError('Timeout', 'No answer came.')

/** A setting whose faults can be changed while it runs. */
function setUpFaulty(options: MemoryBrokerOptions = {}) {
  let hook: (call: BrokerCall) => Fault | undefined = () => undefined
  const calls: BrokerCall[] = []
  const setting = setUp({
    ...options,
    faults: (call) => {
      calls.push(call)
      return hook(call)
    },
  })
  return {
    ...setting,
    calls,
    /** What goes wrong from now on with calls of `operation`; without, nothing. */
    break(operation?: BrokerCall['operation'], fault?: Fault): void {
      hook = (call) => (call.operation === operation ? fault : undefined)
    },
    stored: () =>
      setting.broker
        .queue('orders')
        .messages()
        .map(({ body, state }) => [textOf(body), state]),
  }
}

const probe = async (transport: QueueTransport, signal = never): Promise<unknown> => transport.probe?.({ signal })

describe('the hook (PM8)', () => {
  test('is asked before each operation: what, of what, how manyth, on which message and session', async () => {
    const { calls, transport } = setUpFaulty({ maxDeliveryCount: 1 })
    await transport.send([wire('a1', { messageId: 'm1', sessionId: 'A' }), wire('b', { messageId: 'm2' })], {
      signal: never,
    })
    const session = await accept(transport)
    await (await take(session)).renewLock()
    await session.renewLock()
    await session.close()
    const plain = await take(transport)
    await plain.deadLetter({ reason: 'poison' })
    const letters = deadLettersOf(transport)
    const letter = await take(letters)
    await letter.abandon({ delayMs: 0 })
    await (await take(letters)).complete()
    await probe(transport)
    expect(
      calls.map(({ operation, of, nth, messageId, sessionId }) => [operation, of, nth, messageId, sessionId]),
    ).toEqual([
      ['send', 'queue', 1, 'm1', 'A'],
      ['send', 'queue', 2, 'm2', undefined],
      ['acceptSession', 'session', 1, undefined, undefined],
      ['receive', 'session', 1, undefined, 'A'],
      ['renewLock', 'session', 1, 'm1', 'A'],
      ['renewSessionLock', 'session', 1, undefined, 'A'],
      ['closeSession', 'session', 1, undefined, 'A'],
      ['receive', 'queue', 2, undefined, undefined],
      ['deadLetter', 'queue', 1, 'm2', undefined],
      ['receive', 'dead-letters', 3, undefined, undefined],
      ['abandon', 'dead-letters', 1, 'm1', 'A'],
      ['receive', 'dead-letters', 4, undefined, undefined],
      ['complete', 'dead-letters', 1, 'm1', 'A'],
      ['probe', 'queue', 1, undefined, undefined],
    ])
    expect(new Set(calls.map(({ queue }) => queue))).toEqual(new Set(['orders']))
  })

  test('counts each operation of each queue, over all transports', async () => {
    const { broker, calls, transport } = setUpFaulty()
    await sendAll(transport, 'a')
    await sendAll(memoryProvider({ broker }).open('other'), 'b')
    await sendAll(memoryProvider({ broker }).open('orders'), 'c')
    expect(calls.map(({ queue, nth }) => [queue, nth])).toEqual([
      ['orders', 1],
      ['other', 1],
      ['orders', 2],
    ])
  })

  test('what it throws the caller gets, and the broker is not asked', async () => {
    const error = new Error('the hook fails')
    const { broker, transport } = setUp({
      faults: () => {
        throw error
      },
    })
    await expect(sendAll(transport, 'a')).rejects.toBe(error)
    await expect(look(transport)).rejects.toBe(error)
    expect(broker.queueNames()).toEqual([])
  })

  test.each([
    ['failBefor', connectionFailed],
    ['failBefore', new Error('no QueueError')],
    ['failAfter', 'Timeout'],
    ['delayMs', -1],
    ['delayMs', Number.NaN],
  ])('C23: a fault that cannot be is an error, not a fault that never happens: %s', async (field, value) => {
    const { broker, transport } = setUp({ faults: () => ({ [field]: value }) as Fault })
    await expect(look(transport)).rejects.toMatchObject({ code: 'Configuration', facts: { field } })
    expect(broker.queueNames()).toEqual([])
  })

  test('is not asked by a call whose signal has aborted', async () => {
    const { calls, transport } = setUpFaulty()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(transport.send([wire('a')], { signal })).rejects.toBe(signal.reason)
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal })).rejects.toBe(signal.reason)
    await expect(acceptOf(transport)({ sessionId: 'A', waitMs: 0, signal })).rejects.toBe(signal.reason)
    await expect(probe(transport, signal)).rejects.toBe(signal.reason)
    expect(calls).toEqual([])
  })

  test('a broker without a hook, and one whose hook lets all pass, do the same', async () => {
    const { transport } = setUpFaulty()
    expect(transport).toMatchObject({ lockMs: 30_000, features: setUp().transport.features })
    expect(setUp({ deadLetter: false, faults: () => undefined }).transport.deadLetters).toBeUndefined()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], [undefined, 'b'])
    const session = await accept(transport, 'A')
    expect([session.sessionId, session.lockedUntil]).toEqual(['A', new Date(START + 300_000)])
    expect(await bodies(session)).toEqual(['a1', 'a2'])
    await session.close()
    expect(await acceptOf(transport)({ sessionId: undefined, waitMs: 0, signal: never })).not.toBeNull()
    expect(await acceptOf(transport)({ sessionId: undefined, waitMs: 0, signal: never })).toBeNull()
    await transport.close()
    await expect(look(transport)).rejects.toMatchObject({ code: 'ClientClosed' })
  })
})

describe('a call that fails before its effect (PM8, edge 14)', () => {
  const failBefore: Fault = { failBefore: connectionFailed }

  test('A11: the caller gets the error with its place, the queue stays as it was, and the next call succeeds', async () => {
    const setting = setUpFaulty()
    const { transport } = setting
    await sendAll(transport, 'a', 'b')
    setting.break('receive', failBefore)
    const failed = look(transport)
    await expect(failed).rejects.toMatchObject({ code: 'ConnectionFailed', queue: 'orders', operation: 'receive' })
    expect(connectionFailed).toMatchObject({ queue: undefined, operation: undefined })
    setting.break()
    const [a, b] = await look(transport)
    const acts = {
      complete: () => a?.complete(),
      abandon: () => a?.abandon({ delayMs: 0 }),
      deadLetter: () => a?.deadLetter({ reason: 'poison' }),
      renewLock: () => a?.renewLock(),
    } as const
    for (const [operation, act] of Object.entries(acts)) {
      setting.break(operation as keyof typeof acts, failBefore)
      await expect(act()).rejects.toMatchObject({ operation, messageId: a?.message.messageId })
    }
    expect(setting.stored()).toEqual([
      ['a', 'locked'],
      ['b', 'locked'],
    ])
    expect(setting.broker.queue('orders').deadLetters()).toEqual([])
    setting.break()
    await a?.complete()
    await b?.complete()
  })

  test('sessions: an accept takes no lock, a close frees nothing, a renewal moves nothing', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    setting.break('acceptSession', failBefore)
    await expect(accept(transport, 'A')).rejects.toMatchObject({ code: 'ConnectionFailed', operation: 'acceptSession' })
    setting.break('renewSessionLock', failBefore)
    const session = await accept(transport, 'A')
    await clock.advance(1_000)
    await expect(session.renewLock()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    expect(session.lockedUntil).toEqual(new Date(START + 300_000))
    setting.break('closeSession', failBefore)
    await expect(session.close()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    await expect(accept(transport, 'A')).rejects.toMatchObject({ code: 'SessionLocked' })
    await transport.close()
    await accept(memoryProvider({ broker: setting.broker }).open('orders'), 'A')
  })

  test('probe gives the error', async () => {
    const setting = setUpFaulty()
    setting.break('probe', failBefore)
    await expect(probe(setting.transport)).rejects.toMatchObject({ code: 'ConnectionFailed', operation: 'probe' })
  })
})

describe('a call whose acknowledgement is lost (PM8)', () => {
  const failAfter: Fault = { failAfter: timeout }

  test('what a receive has locked stays locked and comes back when the lock ends', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    await sendAll(transport, 'a')
    setting.break('receive', failAfter)
    await expect(look(transport)).rejects.toMatchObject({ code: 'Timeout', operation: 'receive' })
    expect(setting.stored()).toEqual([['a', 'locked']])
    setting.break()
    expect(await look(transport)).toEqual([])
    await clock.advance(30_000)
    expect((await take(transport)).message.deliveryCount).toBe(2)
  })

  test('a settlement has happened: asked again it gives MessageLockLost', async () => {
    const setting = setUpFaulty()
    const { transport } = setting
    await sendAll(transport, 'completed', 'abandoned', 'dead', 'renewed')
    const [completed, abandoned, dead, renewed] = await look(transport)
    await setting.clock.advance(1_000)
    const acts = [
      ['complete', () => completed?.complete()],
      ['abandon', () => abandoned?.abandon({ delayMs: 5_000 })],
      ['deadLetter', () => dead?.deadLetter({ reason: 'poison' })],
      ['renewLock', () => renewed?.renewLock()],
    ] as const
    for (const [operation, act] of acts) {
      setting.break(operation, failAfter)
      await expect(act()).rejects.toMatchObject({ code: 'Timeout', operation })
    }
    setting.break()
    expect(setting.stored()).toEqual([
      ['abandoned', 'scheduled'],
      ['renewed', 'locked'],
    ])
    expect(setting.broker.queue('orders').deadLetters()).toMatchObject([{ body: bytes('dead') }])
    expect(renewed?.message.lockedUntil).toEqual(new Date(START + 31_000))
    await expect(completed?.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
  })

  test('a session that was accepted stays taken until its lock ends; one that was closed is free', async () => {
    const setting = setUpFaulty({ sessionLockMs: 60_000 })
    const { clock, transport } = setting
    setting.break('acceptSession', failAfter)
    await expect(accept(transport, 'A')).rejects.toMatchObject({ code: 'Timeout' })
    setting.break()
    await expect(accept(transport, 'A')).rejects.toMatchObject({ code: 'SessionLocked' })
    await clock.advance(60_000)
    const session = await accept(transport, 'A')
    setting.break('closeSession', failAfter)
    await expect(session.close()).rejects.toMatchObject({ code: 'Timeout' })
    await accept(transport, 'A')
  })

  test('an operation that fails by itself gives its own error', async () => {
    const setting = setUpFaulty()
    await accept(setting.transport, 'A')
    setting.break('acceptSession', failAfter)
    await expect(accept(setting.transport, 'A')).rejects.toMatchObject({ code: 'SessionLocked' })
  })
})

describe('a send of several messages (PM8)', () => {
  test('asks for each; each has an outcome of its own, in input order, and order holds for what arrives', async () => {
    const fates: Record<string, Fault | undefined> = {
      lost: { failBefore: connectionFailed },
      unheard: { failAfter: timeout },
      both: { failBefore: connectionFailed, failAfter: timeout },
    }
    const { broker, transport } = setUp({ faults: ({ messageId = '' }) => fates[messageId], maxQueueSize: 3 })
    const ids = ['a', 'lost', 'unheard', 'both', 'b', 'too many']
    const outcomes = await transport.send(
      ids.map((messageId) => wire(messageId, { messageId })),
      { signal: never },
    )
    expect(outcomes.map(({ error }) => error && [error.code, error.messageId, error.operation])).toEqual([
      null,
      ['ConnectionFailed', 'lost', 'send'],
      ['Timeout', 'unheard', 'send'],
      ['ConnectionFailed', 'both', 'send'],
      null,
      ['Throttled', 'too many', 'send'],
    ])
    expect(
      broker
        .queue('orders')
        .messages()
        .map(({ messageId }) => messageId),
    ).toEqual(['a', 'unheard', 'b'])
  })

  test('where none arrives the broker is not asked', async () => {
    const { broker, transport } = setUp({ faults: () => ({ failBefore: connectionFailed }) })
    const outcomes = await transport.send([wire('a'), wire('b')], { signal: never })
    expect(outcomes.map(({ error }) => error?.code)).toEqual(['ConnectionFailed', 'ConnectionFailed'])
    expect(broker.queueNames()).toEqual([])
  })

  test('the call is as late as its latest message, and an abort meanwhile sends nothing', async () => {
    const { broker, clock, transport } = setUp({
      faults: ({ operation, nth }) => (operation === 'send' ? { delayMs: nth * 1_000 } : undefined),
    })
    const sending = transport.send([wire('a'), wire('b')], { signal: never })
    await clock.advance(1_999)
    expect([await outcomeOf(sending), broker.queueNames()]).toEqual(['pending', []])
    await clock.advance(1)
    expect(await sending).toEqual([{ error: null }, { error: null }])
    const controller = new AbortController()
    const aborted = transport.send([wire('c')], { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    expect(clock.sleepers).toBe(0)
    expect(await bodies(transport)).toEqual(['a', 'b'])
  })

  test('M11: a message that is too large is refused before anything is asked, whatever the faults', async () => {
    const { broker, transport } = setUp({ maxMessageBytes: 10, faults: () => ({ failBefore: connectionFailed }) })
    const batch = [wire('a', { messageId: 'x' }), wire('far too long', { messageId: 'y' })]
    await expect(transport.send(batch, { signal: never })).rejects.toMatchObject({ code: 'MessageTooLarge' })
    expect(broker.queueNames()).toEqual([])
  })

  test('edge 10: a lost acknowledgement and a retry store it twice, once with duplicate detection', async () => {
    for (const [deduplicationWindowMs, stored] of [
      [undefined, ['a', 'a']],
      [60_000, ['a']],
    ] as const) {
      const faults = ({ operation, nth }: BrokerCall): Fault | undefined =>
        operation === 'send' && nth === 1 ? { failAfter: timeout } : undefined
      const { transport } = setUp({ deduplicationWindowMs, faults })
      const message = wire('a')
      const [first] = await transport.send([message], { signal: never })
      expect(first?.error?.code).toBe('Timeout')
      await transport.send([message], { signal: never })
      expect(await bodies(transport)).toEqual(stored)
    }
  })
})

describe('a call that is late (PM8)', () => {
  test('happens at its late moment: a lock may be gone by then', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    await sendAll(transport, 'a', 'b')
    const [a, b] = await look(transport)
    setting.break('complete', { delayMs: 29_999 })
    const inTime = a?.complete()
    await clock.advance(29_999)
    await inTime
    await b?.renewLock()
    setting.break('complete', { delayMs: 30_000 })
    const late = b?.complete().catch((error: unknown) => error)
    await clock.advance(30_000)
    expect(await late).toMatchObject({ code: 'MessageLockLost' })
    expect(setting.stored()).toEqual([['b', 'active']])
  })

  test('C4: a receive waits for what is left of waitMs, and looks at least once', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    setting.break('receive', { delayMs: 2_000 })
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await clock.advance(4_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(waiting)).toEqual({ value: [] })
    await sendAll(transport, 'a')
    const late = transport.receive({ maxMessages: 1, waitMs: 1_000, signal: never })
    await clock.advance(2_000)
    expect(bodiesOf(await late)).toEqual(['a'])
  })

  test('C12: so does an accept', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    setting.break('acceptSession', { delayMs: 2_000 })
    const waiting = acceptOf(transport)({ sessionId: undefined, waitMs: 5_000, signal: never })
    await clock.advance(4_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(waiting)).toEqual({ value: null })
  })

  test('C6: can be aborted where it has a signal, without an effect; a delay of Infinity never ends', async () => {
    const setting = setUpFaulty()
    const { clock, transport } = setting
    await sendTo(transport, ['A', 'a'])
    const reason = new Error('enough')
    const calls = {
      receive: (signal: AbortSignal) => transport.receive({ maxMessages: 1, waitMs: 1_000, signal }),
      acceptSession: (signal: AbortSignal) => acceptOf(transport)({ sessionId: 'A', waitMs: 0, signal }),
      probe: (signal: AbortSignal) => probe(transport, signal),
      send: (signal: AbortSignal) => transport.send([wire('b')], { signal }),
    } as const
    for (const [operation, call] of Object.entries(calls)) {
      setting.break(operation as keyof typeof calls, { delayMs: Number.POSITIVE_INFINITY })
      const controller = new AbortController()
      const stuck = call(controller.signal)
      await clock.advance(1e12)
      expect(await outcomeOf(stuck)).toBe('pending')
      controller.abort(reason)
      await expect(stuck).rejects.toBe(reason)
    }
    expect(clock.sleepers).toBe(0)
    expect(setting.stored()).toEqual([['a', 'active']])
  })

  test('fails late, too', async () => {
    const setting = setUpFaulty()
    setting.break('probe', { delayMs: 1_000, failBefore: connectionFailed })
    const failing = probe(setting.transport)
    expect(await outcomeOf(failing)).toBe('pending')
    await setting.clock.advance(1_000)
    expect(await outcomeOf(failing)).toMatchObject({ error: { code: 'ConnectionFailed' } })
  })
})

describe('a broker that lies (PM8)', () => {
  test('tamper changes what is handed out, of queues, sessions and dead letters; the stored message stays', async () => {
    const { broker, transport } = setUp({
      tamper: (queue, { body, attributes }) => ({
        body: bytes(`${textOf(body)}!`),
        correlationId: `from ${queue}`,
        attributes: { ...attributes, added: 'yes' },
        contentType: undefined,
      }),
    })
    const fields = { attributes: { k: 'v' }, contentType: 't' }
    await sendTo(transport, [undefined, 'plain', fields], ['A', 'in a session', fields])
    const session = await accept(transport, 'A')
    const [plain, held] = [await take(transport), await take(session)]
    await plain.deadLetter({ reason: 'poison' })
    const letter = await take(deadLettersOf(transport))
    for (const { message } of [plain, held, letter]) {
      expect(message).toMatchObject({ correlationId: 'from orders', attributes: { k: 'v', added: 'yes' } })
      expect(message.contentType).toBeUndefined()
    }
    expect([plain, held, letter].map(({ message }) => textOf(message.body))).toEqual([
      ...['plain!', 'in a session!', 'plain!'],
    ])
    expect(broker.queue('orders').messages()).toMatchObject([{ body: bytes('in a session'), ...fields }])
    await held.complete()
    await letter.complete()
    expect(broker.queue('orders').messages()).toEqual([])
    expect(broker.queue('orders').deadLetters()).toEqual([])
  })

  test('lockedUntil moves with the lock unless that is what it lies about; undefined lets a message pass', async () => {
    const { clock, transport } = setUp({
      tamper: (_, { messageId, body }) => {
        if (messageId === 'honest') return undefined
        return messageId === 'liar' ? { lockedUntil: new Date(0) } : { body }
      },
    })
    await transport.send(
      ['honest', 'edited', 'liar'].map((messageId) => wire('a', { messageId })),
      { signal: never },
    )
    const deliveries = await look(transport)
    await clock.advance(1_000)
    for (const delivery of deliveries) await delivery.renewLock()
    const end = new Date(START + 31_000)
    expect(deliveries.map(({ message }) => message.lockedUntil)).toEqual([end, end, new Date(0)])
  })

  test('faults know a message by its true id', async () => {
    const ids: unknown[] = []
    const { transport } = setUp({
      tamper: () => ({ messageId: 'false' }),
      faults: ({ messageId }) => {
        ids.push(messageId)
        return undefined
      },
    })
    await transport.send([wire('a', { messageId: 'true' })], { signal: never })
    const delivery = await take(transport)
    await delivery.complete()
    expect([delivery.message.messageId, ids]).toEqual(['false', ['true', undefined, 'true']])
  })
})
