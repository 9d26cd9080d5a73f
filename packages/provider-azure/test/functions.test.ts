import type { MessageHandler, QueueClientOptions, ReceivedMessage } from '@queue-runtime/core'
import { systemClock } from '@queue-runtime/core/provider'
import type { AzureFunctionsHandler } from '@queue-runtime/provider-azure'
import { describe, expect, it } from 'vitest'
import { classicMany, classicOne, sdkBinding } from './functions-host.ts'
import { sealing } from './protection.ts'
import { local, pause, sendRaw, takeRaw } from './support.ts'

const here = local()

type Call = Parameters<AzureFunctionsHandler>
type Taken = Awaited<ReturnType<typeof takeRaw>>

/** How the host hands over messages, by the form of the trigger. */
const FORMS: readonly (readonly [form: string, calls: (taken: Taken) => Call[]])[] = [
  ['one by one', ({ messages }) => messages.map(classicOne)],
  ['many at once', ({ messages }) => [classicMany(messages)]],
  ['the binding of the SDK', ({ messages, receiver }) => [sdkBinding(messages, receiver)]],
]

const BYTES = Uint8Array.of(0, 255, 128, 123, 34)

describe.each(FORMS)('a function of Azure Functions (%s)', (_, callsOf) => {
  /** Calls a function with so many messages of a queue, as the host does. */
  const invoke = async (
    queue: string,
    count: number,
    handler: MessageHandler,
    options: Partial<QueueClientOptions> = {},
  ): Promise<void> => {
    const at = here()
    const provider = at.provider()
    const run = provider.functionsHandler(at.client(queue, options, provider), handler)
    const taken = await takeRaw(at.tool, queue, count)
    expect(taken.messages).toHaveLength(count)
    const results = await Promise.allSettled(callsOf(taken).map((call) => run(...call)))
    await taken.receiver.close()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  it('opens what was sealed, with all that stands beside it, and completes it (PA1, PA5, C7)', async () => {
    const at = here()
    const queue = at.queue()
    await at.client(queue, { crypto: sealing() }).send({
      ...{ body: BYTES, messageId: 'm-1', correlationId: '{"a": 1.0}'.slice(0, 3), contentType: 'a/b' },
      attributes: { tenant: 'x' },
    })
    const seen: Partial<ReceivedMessage>[] = []
    await invoke(
      queue,
      1,
      async ({ body, messageId, correlationId, contentType, attributes, deliveryCount, enqueuedAt, seal }) => {
        seen.push({ body, messageId, correlationId, contentType, attributes, deliveryCount, enqueuedAt, seal })
      },
      { crypto: sealing() },
    )
    expect(seen).toMatchObject([
      {
        ...{ body: BYTES, messageId: 'm-1', correlationId: '{"a', contentType: 'a/b', deliveryCount: 1 },
        ...{ attributes: { tenant: 'x' }, enqueuedAt: expect.any(Date), seal: { keyId: 'azure-1' } },
      },
    ])
    expect(at.look(queue).messages()).toEqual([])
  })

  it('settles each message by itself (C7, C8, C9)', async () => {
    const at = here()
    const queue = at.queue()
    const bodies = ['complete', 'abandon', 'deadLetter', 'later']
    await at.client(queue).sendBatch(bodies.map((body) => ({ body, messageId: body })))
    await invoke(queue, 4, async (message) => {
      if (message.text() === 'abandon') await message.abandon()
      if (message.text() === 'later') await message.abandon({ delayMs: 1_000 })
      if (message.text() === 'deadLetter') await message.deadLetter({ reason: 'order.unknown', description: 'why' })
    })
    const { messages, deadLetters } = at.look(queue)
    expect(messages().map(({ messageId, state, deliveryCount }) => [messageId, state, deliveryCount])).toEqual([
      ['abandon', 'active', 1],
      // What was to come again later does when its lock ends.
      ['later', 'locked', 0],
    ])
    expect(deadLetters().map(({ messageId, applicationProperties }) => [messageId, applicationProperties])).toEqual([
      ['deadLetter', expect.objectContaining({ DeadLetterReason: 'order.unknown', DeadLetterErrorDescription: 'why' })],
    ])
  })

  it('completes what it can when one handler throws, and leaves that one in the queue (C8)', async () => {
    const at = here()
    const queue = at.queue()
    await at.client(queue).sendBatch(['a', 'b', 'c'].map((body) => ({ body, messageId: body })))
    await invoke(queue, 3, async (message) => {
      if (message.text() === 'b') throw new Error('failed')
    })
    expect(
      at
        .look(queue)
        .messages()
        .map(({ messageId }) => messageId),
    ).toEqual(['b'])
    expect(at.look(queue).deadLetters()).toEqual([])
  })

  it('sets aside what may not be handed over, and hands over the rest (protocol.md 4.2)', async () => {
    const at = here()
    const queue = at.queue()
    await at.client(queue).send({ body: 'plain' })
    await at.client(queue, { crypto: sealing() }).send({ body: 'sealed' })
    const seen: string[] = []
    await invoke(queue, 2, async (message) => void seen.push(message.text()), { crypto: sealing() })
    expect(seen).toEqual(['sealed'])
    expect(at.look(queue).messages()).toEqual([])
    expect(at.look(queue).deadLetters()).toHaveLength(1)
  })

  it('keeps the lock while the handler works (S12)', async () => {
    const at = here()
    const queue = at.queue({ lockDurationMs: 2_600 })
    await at.client(queue).send({ body: 'slow' })
    await invoke(queue, 1, async (message) => {
      await pause(3_200)
      expect((await message.renewLock()).getTime()).toBeGreaterThan(Date.now())
    })
    expect(at.look(queue).messages()).toEqual([])
  })

  it('changes nothing once the lock is gone (C7)', async () => {
    const at = here()
    const queue = at.queue({ lockDurationMs: 300 })
    await at.client(queue).send({ body: 'late' })
    let code: unknown
    await invoke(queue, 1, async (message) => {
      while (at.look(queue).messages()[0]?.state !== 'active') await pause(20)
      code = await message.complete().catch((error) => error.code)
    }).catch(() => {})
    expect(code).toBe('MessageLockLost')
    expect(at.look(queue).messages()).toMatchObject([{ deliveryCount: 1 }])
  })

  it('fails when the key store is out longer than the locks, with the messages in the queue (protocol.md 4.2)', async () => {
    const at = here()
    const queue = at.queue({ lockDurationMs: 1_000 })
    await at.client(queue, { crypto: sealing() }).send({ body: 'sealed' })
    const keyProvider = {
      getKey: async () => {
        throw new Error('out')
      },
      currentKeyId: async () => 'azure-1',
    }
    const provider = at.provider()
    const client = at.client(queue, { crypto: sealing({ keyProvider }) }, provider)
    const run = provider.functionsHandler(client, async () => {}, { maxAutoRenewMs: 1 })
    const [call] = callsOf(await takeRaw(at.tool, queue, 1))
    if (call === undefined) throw new Error('There should be a call.')
    await expect(run(...call)).rejects.toMatchObject({ code: 'KeyProviderError' })
    expect(at.look(queue).messages()).toHaveLength(1)
  })
})

describe('a function of Azure Functions', () => {
  it('keeps the order of a session, by the binding of the SDK (C15)', async () => {
    const at = here()
    const queue = at.queue({ requiresSession: true })
    const provider = at.provider()
    const client = at.client(queue, { crypto: sealing() }, provider)
    await client.sendBatch(['1', '2', '3'].map((body) => ({ body, sessionId: 's' })))
    const session = await at.tool.acceptSession(queue, 's', { skipParsingBodyAsJson: true })
    const messages = await session.receiveMessages(3, { maxWaitTimeInMs: 1_000 })
    const seen: string[] = []
    const run = provider.functionsHandler(client, async (message) => {
      seen.push(message.text())
      if (message.text() === '2') throw new Error('failed')
    })
    await run(...sdkBinding(messages, session))
    expect(seen).toEqual(['1', '2'])
    // Both are back before the host asks for more of the session.
    expect(
      at
        .look(queue)
        .messages()
        .map(({ state, deliveryCount }) => [state, deliveryCount]),
    ).toEqual([
      ['active', 1],
      ['active', 1],
    ])
    await session.close()
  })

  it('asks the broker about a lock of which the host tells no end (C10)', async () => {
    const at = here()
    const queue = at.queue()
    const clock = { ...systemClock, aheadMs: 0, now: () => Date.now() + clock.aheadMs }
    const provider = at.provider({ clock })
    const client = at.client(queue, {}, provider)
    await client.send({ body: 'a' })
    const { messages } = await takeRaw(at.tool, queue)
    const [call] = messages.map(classicOne)
    if (call === undefined) throw new Error('There should be a call.')
    const run = provider.functionsHandler(client, async () => {
      clock.aheadMs = 30_000
    })
    await run(...call)
    expect(at.look(queue).messages()).toEqual([])
  })

  it('knows a plain message of another sender by the id that Service Bus has (protocol.md 2)', async () => {
    const at = here()
    const queue = at.queue()
    await sendRaw(at.tool, queue, { body: Buffer.from('{"a":1}'), messageId: '0123' })
    const { messages } = await takeRaw(at.tool, queue)
    const provider = at.provider()
    const seen: unknown[] = []
    const handler: MessageHandler = async (message) => void seen.push([message.messageId, message.json()])
    const [call] = messages.map(classicOne)
    if (call === undefined) throw new Error('There should be a call.')
    await provider.functionsHandler(at.client(queue, {}, provider), handler)(...call)
    expect(seen).toEqual([['0123', { a: 1 }]])
  })

  const body = Buffer.from('a')
  const good = { triggerMetadata: { lockToken: 'x' } }
  it.for<readonly [string, unknown, object, boolean]>([
    ['autoCompleteMessages', body, { ...good, options: { trigger: { autoCompleteMessages: true } } }, false],
    ['dataType', 'a', good, false],
    ['dataType', { a: 1 }, good, false],
    ['dataType', undefined, good, false],
    ['triggerMetadata', body, {}, false],
    ['triggerMetadata', [body], { triggerMetadata: { lockTokenArray: [] } }, false],
    ['sdkBinding', body, good, true],
  ])('names the setting of the trigger that is wrong: %s', async ([field, input, context, sessions]) => {
    const at = here()
    const queue = at.queue({ requiresSession: sessions })
    const provider = at.provider()
    let isCalled = false
    const run = provider.functionsHandler(at.client(queue, {}, provider), async () => {
      isCalled = true
    })
    await expect(run(input, context)).rejects.toMatchObject({ code: 'Configuration', facts: { field } })
    expect(isCalled).toBe(false)
  })

  it('names a parameter that is wrong (C23)', () => {
    const at = here()
    const provider = at.provider()
    const expectField = (make: () => unknown, field: string) =>
      expect(make).toThrow(expect.objectContaining({ code: 'Configuration', facts: { field } }))
    expectField(() => provider.functionsHandler({} as never, async () => {}), 'client')
    expectField(() => provider.functionsHandler(at.client(at.queue(), {}, provider), {} as never), 'handler')
  })
})
