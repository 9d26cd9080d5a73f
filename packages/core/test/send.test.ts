import { describe, expect, it } from 'vitest'
import { QueueError } from '../src/index.ts'
import { transportOf } from './client-support.ts'
import {
  connectionFailed,
  markingProtection,
  messagesOf,
  outcomeOf,
  permissionDenied,
  sendingBench,
} from './send-support.ts'
import { meterRecorder, valuesOf } from './telemetry-support.ts'

const failure = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('It was to fail.')
}

describe('send', () => {
  it('resolves with the id that it was given, or with a new UUID v4 (C1, M5)', async () => {
    const { client, ids } = sendingBench()
    expect(await client.send({ body: 'a', messageId: 'mine' })).toEqual({ messageId: 'mine' })
    const { messageId } = await client.send({ body: 'b' })
    expect(messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(ids()).toEqual([['mine'], [messageId]])
  })

  it('gives the broker the message id as its deduplication id (protocol.md 2)', async () => {
    const { client, calls } = sendingBench()
    await client.send({ body: 'a', messageId: 'mine' })
    expect(calls[0]?.wire[0]).toMatchObject({ messageId: 'mine', deduplicationId: 'mine' })
  })

  it('carries the same bytes, message id and deduplication id in every attempt (R4, edge 10)', async () => {
    const crypto = markingProtection()
    const { clock, client, calls } = sendingBench([connectionFailed(), [connectionFailed()]], { crypto })
    const sending = client.send({ body: 'once' })
    await clock.advance(60_000)
    const { messageId } = await sending
    expect(crypto.sealed()).toBe(1)
    expect(
      calls.map(({ wire }) =>
        wire.map((one) => [one.messageId, one.deduplicationId, Buffer.from(one.body).toString()]),
      ),
    ).toEqual(Array(3).fill([[messageId, messageId, 'QRE11:once']]))
  })

  it('of a plaintext that looks sealed is refused before the broker is asked (protocol.md 1)', async () => {
    const { client, calls } = sendingBench()
    await expect(client.send({ body: 'QRE1' })).rejects.toMatchObject({ code: 'ReservedMarker', queue: 'orders' })
    expect(calls).toEqual([])
  })

  it('refuses a body that its protection calls sealed and that is not', async () => {
    const liar = markingProtection()
    const { client, calls } = sendingBench([], {
      crypto: {
        open: (context) => ({
          ...liar.open(context),
          protect: async (message, options) => ({
            ...(await liar.open(context).protect(message, options)),
            body: message.body,
          }),
        }),
      },
    })
    await expect(client.send({ body: 'clear' })).rejects.toMatchObject({ code: 'EncryptionFailed' })
    expect(calls).toEqual([])
  })

  it('of 10 000 messages at once loses and repeats none (C20, edge 19)', async () => {
    const { client, calls } = sendingBench()
    const results = await Promise.all(Array.from({ length: 10_000 }, (_, index) => client.send({ json: { index } })))
    const stored = calls.flatMap(({ wire }) =>
      wire.map(({ messageId, body }) => [messageId, JSON.parse(Buffer.from(body).toString()).index]),
    )
    expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(10_000)
    expect(new Map(stored as [string, number][])).toEqual(
      new Map(results.map(({ messageId }, index) => [messageId, index])),
    )
    expect(stored).toHaveLength(10_000)
  })

  it('is counted once, however often it was tried, and tells of each retry (O1, O4, O8)', async () => {
    const recorder = meterRecorder()
    const { clock, client, lines } = sendingBench([connectionFailed(), connectionFailed()], {
      meterProvider: recorder.provider,
      retry: { jitter: 0, initialMs: 2_000 },
    })
    const sending = client.send({ body: 'a' })
    await clock.advance(60_000)
    await sending
    expect(await valuesOf(recorder)).toMatchObject({
      queue_messages_sent_total: [{ attributes: { queue: 'orders', encrypted: 'false', status: 'success' }, value: 1 }],
      queue_retry_attempts_total: [{ attributes: { queue: 'orders' }, value: 2 }],
      queue_retry_delay_seconds: [{ value: { count: 2, sum: 10 } }],
      queue_send_duration_seconds: [{ value: { count: 3 } }],
    })
    const line = { queue_name: 'orders', operation: 'send', error_type: 'ConnectionFailed', pause_ms: 5_000 }
    expect(lines).toEqual(Array(2).fill({ level: 'warn', text: 'Trying again', fields: line }))
  })

  it('that fails is counted as failed, once as a message and once as a call (O1)', async () => {
    const recorder = meterRecorder()
    const { client } = sendingBench([permissionDenied()], { meterProvider: recorder.provider })
    await expect(client.send({ body: 'a' })).rejects.toMatchObject({ code: 'PermissionDenied' })
    expect(await valuesOf(recorder)).toMatchObject({
      queue_messages_sent_total: [{ attributes: { status: 'error' }, value: 1 }],
      queue_errors_total: [{ attributes: { operation: 'send', error_type: 'permission_denied' }, value: 1 }],
    })
  })

  it('tells in its error which queue and operation it was (E3)', async () => {
    const { client } = sendingBench([permissionDenied()])
    expect(await failure(client.send({ body: 'a' }))).toMatchObject({ queue: 'orders', operation: 'send' })
  })
})

describe('sendBatch', () => {
  it('resolves with the ids in input order, whatever was sealed first (C2)', async () => {
    const delays = [3, 1, 2]
    const crypto = markingProtection(async () => {
      for (let turns = delays.shift() ?? 0; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve))
    })
    const { client, ids } = sendingBench([], { crypto })
    const sent = await client.sendBatch(messagesOf('a', 'b', 'c'))
    expect(sent.map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c'])
    expect(ids()).toEqual([['a', 'b', 'c']])
  })

  it('takes any number, also none, and leaves splitting to the transport (C2)', async () => {
    const { client, ids } = sendingBench()
    expect(await client.sendBatch([])).toEqual([])
    expect(ids()).toEqual([])
    const names = Array.from({ length: 2_500 }, (_, index) => `m-${index}`)
    expect((await client.sendBatch(messagesOf(...names))).map(({ messageId }) => messageId)).toEqual(names)
    expect(ids()).toEqual([names])
  })

  it('refuses what is no array (C2)', async () => {
    const { client } = sendingBench()
    const wrong = { body: 'a' } as never
    await expect(client.sendBatch(wrong)).rejects.toMatchObject({ code: 'Validation', facts: { field: 'messages' } })
  })

  it('validates every message before it seals the first (C2)', async () => {
    const crypto = markingProtection()
    const { client, calls } = sendingBench([], { crypto })
    const error = await failure(client.sendBatch([...messagesOf('a', 'b'), { body: 'c', sessionId: 'ß' }]))
    expect(error).toMatchObject({
      code: 'Validation',
      facts: { field: 'messages[2].sessionId', rule: 'invalid-format' },
      operation: 'sendBatch',
    })
    expect([crypto.sealed(), calls.length]).toEqual([0, 0])
  })

  it('seals every message before it sends the first (C2)', async () => {
    const crypto = markingProtection(({ messageId }) => {
      if (messageId === 'c') throw new QueueError('KeyProviderError', 'The key store is down.')
    })
    const { client, calls } = sendingBench([], { crypto })
    await expect(client.sendBatch(messagesOf('a', 'b', 'c'))).rejects.toMatchObject({ code: 'KeyProviderError' })
    expect(calls).toEqual([])
  })

  it('sends nothing where one message would go as a plaintext that looks sealed (protocol.md 1)', async () => {
    const { client, calls } = sendingBench()
    await expect(client.sendBatch([{ body: 'a' }, { body: 'QRE1...' }])).rejects.toMatchObject({
      code: 'ReservedMarker',
    })
    expect(calls).toEqual([])
  })

  it('tells both numbers of a message that is too large, once, with nothing sent (M11, edge 5)', async () => {
    const tooLarge = new QueueError('MessageTooLarge', 'Too large.', { facts: { size: 300, maxSize: 256 } })
    const { client, calls } = sendingBench([tooLarge])
    const error = await failure(client.sendBatch(messagesOf('a', 'b')))
    expect(error).toMatchObject({ code: 'MessageTooLarge', facts: { size: 300, maxSize: 256 } })
    expect(calls).toHaveLength(1)
  })

  it('refuses what the queue cannot carry before anything is sealed (C17)', async () => {
    const crypto = markingProtection()
    const features = { deliverAt: true, timeToLive: true, abandonDelay: true, sessionIds: 'none' } as const
    const { client } = sendingBench([], { crypto }, transportOf({ features }))
    const error = await failure(client.sendBatch(messagesOf('a', 'b@s')))
    expect(error).toMatchObject({ code: 'Unsupported', facts: { feature: 'sessionId' } })
    expect(crypto.sealed()).toBe(0)
  })

  it('tells one outcome per message, by input index (C3)', async () => {
    const { client } = sendingBench([[null, permissionDenied(), null]])
    const error = await failure(client.sendBatch(messagesOf('a', 'b', 'c')))
    expect(error).toMatchObject({
      code: 'BatchPartiallyFailed',
      facts: { outcomes: [{ messageId: 'a' }, { error: { code: 'PermissionDenied' } }, { messageId: 'c' }] },
    })
  })

  it('takes a message whose outcome the provider does not tell for one that was not sent (C3)', async () => {
    const { client } = sendingBench([[null]])
    const error = await failure(client.sendBatch(messagesOf('a', 'b')))
    expect(error).toMatchObject({
      facts: {
        outcomes: [{ messageId: 'a' }, { error: { code: 'ProviderError', facts: { providerCode: 'no-outcome' } } }],
      },
    })
  })

  it('counts each message by what became of it (O1)', async () => {
    const recorder = meterRecorder()
    const { client } = sendingBench([[null, permissionDenied(), null]], { meterProvider: recorder.provider })
    await failure(client.sendBatch(messagesOf('a', 'b', 'c')))
    const { queue_messages_sent_total: counts } = await valuesOf(recorder)
    expect(counts).toMatchObject([
      { attributes: { status: 'success' }, value: 2 },
      { attributes: { status: 'error' }, value: 1 },
    ])
  })
})

describe('an abort of a send', () => {
  const abortable = () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    return { signal: controller.signal, reason, abort: () => controller.abort(reason) }
  }
  const never = (signal: AbortSignal | undefined): Promise<never> =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))

  it('rejects with its reason while the message is sealed, and sends nothing (C6)', async () => {
    const { signal, reason, abort } = abortable()
    const { client, calls } = sendingBench([], { crypto: markingProtection(() => new Promise(() => {})) })
    const sending = client.send({ body: 'a' }, { signal })
    abort()
    await expect(sending).rejects.toBe(reason)
    expect(calls).toEqual([])
  })

  it('reaches the key store (C6)', async () => {
    const { signal, abort, reason } = abortable()
    let asked: AbortSignal | undefined
    const crypto = markingProtection((_, given) => {
      asked = given
      return never(given)
    })
    const { client } = sendingBench([], { crypto })
    const sending = failure(client.send({ body: 'a' }, { signal }))
    abort()
    expect(await sending).toBe(reason)
    expect(asked?.aborted).toBe(true)
  })

  it('rejects with its reason while the broker is asked (C6)', async () => {
    const { signal, reason, abort } = abortable()
    const { client, calls } = sendingBench([(_, given) => never(given)])
    const sending = failure(client.send({ body: 'a' }, { signal }))
    expect(await outcomeOf(sending)).toBe('pending')
    abort()
    expect(await sending).toBe(reason)
    expect(calls).toHaveLength(1)
  })

  it('rejects with its reason during a pause, and does not try again (C6)', async () => {
    const { signal, reason, abort } = abortable()
    const { clock, client, calls } = sendingBench([connectionFailed()])
    const sending = failure(client.send({ body: 'a' }, { signal }))
    await clock.advance(1_000)
    abort()
    expect(await sending).toBe(reason)
    await clock.advance(60_000)
    expect(calls).toHaveLength(1)
  })

  it('of a batch rejects with its reason though some messages went through: it may have been sent (C6)', async () => {
    const { signal, reason, abort } = abortable()
    const { clock, client } = sendingBench([[null, connectionFailed()], (_, given) => never(given)])
    const sending = failure(client.sendBatch(messagesOf('a', 'b'), { signal }))
    await clock.advance(5_000)
    abort()
    expect(await sending).toBe(reason)
  })
})

describe('closing', () => {
  it('waits for a send that the broker was asked for, and only then lets the transport go (C21)', async () => {
    const order: string[] = []
    const asked = Promise.withResolvers<void>()
    const methods = { close: async () => void order.push('transport closed') }
    const answer = async () => {
      await asked.promise
      order.push('sent')
      return [null]
    }
    const { client } = sendingBench([answer], {}, methods)
    const sending = client.send({ body: 'a' })
    await outcomeOf(sending)
    const closing = client.close()
    expect(await outcomeOf(closing)).toBe('pending')
    asked.resolve()
    await Promise.all([sending, closing])
    expect(order).toEqual(['sent', 'transport closed'])
  })

  it('ends a send that waits to try again, with its last error, and waits for no pause (C21)', async () => {
    const { client, calls } = sendingBench([connectionFailed()])
    const sending = failure(client.send({ body: 'a', messageId: 'a' }))
    await outcomeOf(sending)
    await client.close()
    expect(await sending).toMatchObject({ code: 'ConnectionFailed' })
    expect(calls).toHaveLength(1)
  })

  it('ends a send that is only being sealed (C21)', async () => {
    const { client, calls } = sendingBench([], { crypto: markingProtection(() => new Promise(() => {})) })
    const sending = failure(client.send({ body: 'a' }))
    await outcomeOf(sending)
    await client.close()
    expect(await sending).toMatchObject({ code: 'ClientClosed' })
    expect(calls).toEqual([])
  })

  it('refuses what comes later (C21)', async () => {
    const { client } = sendingBench()
    await client.close()
    await expect(client.send({ body: 'a' })).rejects.toMatchObject({ code: 'ClientClosed' })
    await expect(client.sendBatch([])).rejects.toMatchObject({ code: 'ClientClosed' })
  })
})
