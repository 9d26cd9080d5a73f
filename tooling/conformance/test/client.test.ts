import {
  createQueueClient,
  type MessageProtection,
  type QueueClientOptions,
  QueueError,
  type QueueProvider,
  type RejectedMessage,
} from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import { EncryptionKey, type KeyProvider, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it } from 'vitest'

const LOCK_MS = 30_000
const key = EncryptionKey.fromBytes(
  'orders-1',
  Uint8Array.from({ length: 32 }, (_, index) => index),
)
const keys = multiKeyProvider({ keys: [key] })

interface Line {
  readonly level: string
  readonly text: string
  readonly fields: Record<string, unknown>
}

/** A queue on a broker of its own, with a logger that remembers. */
const setUp = () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount: 100 })
  const lines: Line[] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const provider = memoryProvider({ broker })
  const client = (options: Partial<QueueClientOptions> = {}) =>
    createQueueClient({ provider, queue: 'orders', clock, logger, retry: { jitter: 0 }, ...options })
  return { clock, broker, provider, lines, client }
}

/** A provider whose transports differ from sound ones in what `change` returns. */
const changed = (
  provider: QueueProvider,
  change: (transport: QueueTransport, queue: string) => Partial<QueueTransport>,
  name = provider.name,
): QueueProvider => ({
  name,
  open(queue) {
    const transport = provider.open(queue)
    return { ...transport, ...change(transport, queue) }
  },
})

/** A provider whose receive fails as it is told, and is sound otherwise. */
const failing = (provider: QueueProvider, failure: () => Error | undefined): QueueProvider =>
  changed(provider, (transport) => ({
    receive: async (options) => {
      const error = failure()
      if (error !== undefined) throw error
      return transport.receive(options)
    },
  }))

const turns = async (clock: FakeClock, count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await clock.advance(0)
}

describe('an outage of the key store', () => {
  const outage = (): { keyProvider: KeyProvider; state: { isDown: boolean } } => {
    const state = { isDown: false }
    return {
      state,
      keyProvider: {
        getKey: async (id) => {
          if (state.isDown) throw new Error('password=hunter2')
          return keys.getKey(id)
        },
        currentKeyId: () => keys.currentKeyId(),
      },
    }
  }

  it('is thrown by receive, keeps the message, and reports it as held and unsettled', async () => {
    const { client, clock } = setUp()
    const { keyProvider, state } = outage()
    const rejected: RejectedMessage[] = []
    const crypto = messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' })
    const queue = client({ crypto, onRejected: (message) => rejected.push(message) })
    await queue.send({ body: 'hello' })
    state.isDown = true
    await expect(queue.receive({ waitMs: 0 })).rejects.toMatchObject({
      code: 'KeyProviderError',
      queue: 'orders',
      message: 'The key provider failed (Error).',
    })
    expect(rejected.map(({ disposition, settled }) => [disposition, settled])).toEqual([[{ action: 'hold' }, false]])
    state.isDown = false
    await clock.advance(LOCK_MS)
    expect((await queue.receive({ waitMs: 0 }))?.text()).toBe('hello')
    await queue.close()
  })

  it('hides no good message of the same batch', async () => {
    const { client } = setUp()
    const { keyProvider, state } = outage()
    await client({ crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'allow' }) }).send({
      body: 'sealed',
    })
    await client().send({ body: 'plain' })
    state.isDown = true
    const receiver = client({ crypto: messageCrypto({ keyProvider }) })
    const { messages, rejected } = await receiver.receiveBatch({ waitMs: 0 })
    expect(messages.map((message) => message.text())).toEqual(['plain'])
    expect(rejected.map(({ error }) => error.code)).toEqual(['KeyProviderError'])
  })

  it('is waited out by messages() and by a consumer, which says that it pauses', async () => {
    for (const loop of ['messages', 'consume'] as const) {
      const { client, clock, lines } = setUp()
      const { keyProvider, state } = outage()
      const queue = client({ crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' }) })
      await queue.send({ body: 'hello' })
      state.isDown = true
      const texts: string[] = []
      const states: string[] = []
      const consumer = loop === 'consume' ? queue.consume((message) => void texts.push(message.text())) : undefined
      const iterating = (async () => {
        if (consumer !== undefined) return
        for await (const message of queue.messages()) {
          texts.push(message.text())
          await message.complete()
        }
      })()
      await turns(clock)
      states.push(String(consumer?.state))
      await clock.advance(5_000)
      state.isDown = false
      await clock.advance(LOCK_MS)
      states.push(String(consumer?.state))
      expect(texts).toEqual(['hello'])
      if (loop === 'consume') {
        expect(states).toEqual(['paused', 'running'])
        expect(lines.some(({ text }) => text === 'Outage: intake pauses')).toBe(true)
      }
      await queue.close()
      await iterating
    }
  })
})

describe('a message that is held for a reason that no error calls transient', () => {
  it('pauses a consumer and does not end it: whoever writes to the queue could cause it', async () => {
    const { client, clock, lines, broker } = setUp()
    const disposed = EncryptionKey.fromBytes('retired', new Uint8Array(32).fill(1, 1))
    const keyProvider = multiKeyProvider({ keys: [key, disposed], current: 'orders-1' })
    const sealing = multiKeyProvider({ keys: [EncryptionKey.fromBytes('retired', new Uint8Array(32).fill(1, 1))] })
    disposed.dispose()
    await client({ crypto: messageCrypto({ enabled: true, keyProvider: sealing, plaintextPolicy: 'reject' }) }).send({
      body: 'odd',
    })
    const ageless = { validateFreshness: false, plaintextPolicy: 'reject' } as const
    const queue = client({ crypto: messageCrypto({ enabled: true, keyProvider, ...ageless }) })
    await queue.send({ body: 'good' })
    const texts: string[] = []
    const consumer = queue.consume((message) => void texts.push(message.text()))
    await turns(clock)
    expect(
      lines.some(({ text, fields }) => text === 'Outage: intake pauses' && fields.error_type === 'KeyDisposed'),
    ).toBe(true)
    expect([consumer.state, texts]).toEqual(['paused', []])
    await clock.advance(31_000)
    const states = broker
      .queue('orders')
      .messages()
      .map(({ state, deliveryCount }) => [state, deliveryCount])
    expect(states).toEqual([['locked', 1]])
    expect([consumer.state, texts]).toEqual(['running', ['good']])
    await queue.close()
  })

  it('is waited out by messages() as well', async () => {
    const { client, clock } = setUp()
    let isBroken = true
    const crypto: MessageProtection = {
      open: () => ({
        protect: async ({ body }) => ({ body, attributes: {}, seal: null }),
        unprotect: async (messages) =>
          messages.map(({ body }) =>
            isBroken
              ? { error: new QueueError('KeyDisposed', 'gone'), disposition: { action: 'hold' } }
              : { body, seal: null, claim: null },
          ),
      }),
    }
    const queue = client({ crypto })
    await queue.send({ body: 'hello' })
    const texts: string[] = []
    const iterating = (async () => {
      for await (const message of queue.messages()) {
        texts.push(message.text())
        await message.complete()
      }
    })()
    await turns(clock)
    isBroken = false
    await clock.advance(LOCK_MS)
    expect(texts).toEqual(['hello'])
    await queue.close()
    await iterating
  })
})

describe('a flood of forged messages', () => {
  it('does not hold a look without a wait for ever', async () => {
    const { client, broker } = setUp()
    const queue = client({ crypto: messageCrypto({ keyProvider: keys, plaintextPolicy: 'reject' }) })
    for (let count = 0; count < 50; count += 1) {
      broker.queue('orders').put({ body: new TextEncoder().encode('forged'), messageId: `m-${count}` })
    }
    expect(await queue.receive({ waitMs: 0 })).toBeNull()
    expect(broker.queue('orders').deadLetters()).toHaveLength(11)
    await queue.close()
  })
})

describe('an error that is none of ours', () => {
  it('from a provider is waited out: nobody knows that it cannot heal', async () => {
    const { provider, clock, client } = setUp()
    let failure: Error | undefined = new TypeError('odd')
    const queue = client({ provider: failing(provider, () => failure) })
    await client().send({ body: 'hello' })
    const texts: string[] = []
    const consumer = queue.consume((message) => void texts.push(message.text()))
    await turns(clock)
    expect(consumer.state).toBe('paused')
    failure = undefined
    await clock.advance(1_000)
    expect([consumer.state, texts]).toEqual(['running', ['hello']])
    await queue.close()
  })

  it('from the handler about another body abandons this message and does not give it up', async () => {
    const { client, clock, broker } = setUp()
    const queue = client()
    await queue.send({ body: 'mine' })
    const other = new QueueError('InvalidBody', 'The body is not JSON.', { messageId: 'another' })
    queue.consume(() => Promise.reject(other))
    await turns(clock)
    expect(
      broker
        .queue('orders')
        .messages()
        .map(({ state }) => state),
    ).toEqual(['scheduled'])
    await queue.close()
  })
})

describe('callbacks of the application', () => {
  it('may be async and fail: a refused message is refused all the same, and the process lives', async () => {
    const { client, broker, lines, clock } = setUp()
    const crypto = messageCrypto({ keyProvider: keys, plaintextPolicy: 'reject' })
    const queue = client({ crypto, onRejected: async () => Promise.reject(new Error('secret')) })
    broker.queue('orders').put({ body: new TextEncoder().encode('forged'), messageId: 'm-1' })
    expect(await queue.receive({ waitMs: 0 })).toBeNull()
    await turns(clock)
    expect(lines.at(-1)).toMatchObject({ text: 'onRejected threw', fields: { callback_error_type: 'Error' } })
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('onError may be async, and what it returns is used only where it is a disposition', async () => {
    const { client, broker, clock, lines } = setUp()
    const queue = client()
    await queue.sendBatch(['decided', 'nonsense', 'reasonless', 'throws'].map((body) => ({ body })))
    const answers: Record<string, () => unknown> = {
      decided: async () => ({ action: 'dead-letter', reason: 'app.failed' }),
      nonsense: () => ({ action: 'delete' }),
      reasonless: () => ({ action: 'dead-letter' }),
      throws: () => Promise.reject(new Error('secret')),
    }
    const consumer = queue.consume(
      () => {
        throw Object.assign(new Error('x'), { name: Symbol('odd') })
      },
      { onError: (_, message) => answers[message.text()]?.() as undefined },
    )
    await turns(clock)
    const reasons = broker
      .queue('orders')
      .deadLetters()
      .map(({ deadLettered }) => deadLettered?.reason)
    const waiting = broker
      .queue('orders')
      .messages()
      .map(({ state }) => state)
    expect([reasons, waiting, consumer.state]).toEqual([['app.failed'], Array(3).fill('scheduled'), 'running'])
    const told = lines.filter(({ level }) => level === 'error').map(({ text }) => text)
    const misused = 'onError returned what is no disposition; the default applies'
    expect(told.sort()).toEqual(['Message moved to the dead-letter queue', misused, misused, 'onError threw'])
    await queue.close()
  })

  it('a logger that throws stops no consumer', async () => {
    const { client, clock } = setUp()
    const broken = (): never => {
      throw new Error('disk full')
    }
    const logger = { debug: broken, info: broken, warn: broken, error: broken }
    const queue = client({ logger })
    await queue.sendBatch([{ body: 'fails' }, { body: 'good' }])
    const texts: string[] = []
    queue.consume((message) => {
      if (message.text() === 'fails' && texts.length === 0) {
        texts.push('failed')
        throw new Error('x')
      }
      texts.push(message.text())
    })
    await clock.advance(1_000)
    expect(texts.slice(0, 3).sort()).toEqual(['failed', 'fails', 'good'])
    await queue.close()
  })
})

describe('a consumer whose handler does not end in time', () => {
  it('says so, since the message may be handled twice (C21)', async () => {
    const { client, clock, lines } = setUp()
    const queue = client()
    await queue.send({ body: 'stuck' })
    const consumer = queue.consume(() => new Promise(() => {}), { drainMs: 1_000 })
    await turns(clock)
    const closing = consumer.close()
    await clock.advance(1_000)
    await closing
    const text = 'Handlers did not end in time: their messages go back, and may be handled twice'
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', text }))
    await queue.close()
  })
})

describe('a provider or a protection that keeps to no contract', () => {
  it('that tells no outcome of a send has not sent', async () => {
    const { provider, client } = setUp()
    for (const results of [[], [{}], undefined]) {
      const silent = changed(provider, () => ({ send: async () => results as never }), 'silent')
      await expect(client({ provider: silent }).send({ body: 'x' })).rejects.toMatchObject({
        code: 'ProviderError',
        facts: { provider: 'silent', providerCode: 'no-outcome' },
      })
    }
  })

  it('that answers for too few messages, or with nonsense, has them held and not handed over', async () => {
    const { client, clock } = setUp()
    for (const answers of [
      [],
      [undefined],
      [{ body: 'text' }],
      [{ error: new Error('x'), disposition: { action: 'complete' } }],
    ]) {
      const crypto: MessageProtection = {
        open: () => ({
          protect: async ({ body }) => ({ body, attributes: {}, seal: null }),
          unprotect: async () => answers as never,
        }),
      }
      const queue = client({ crypto })
      await queue.send({ body: 'hello' })
      await expect(queue.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'KeyProviderError' })
      await queue.close()
      const again = await client().receive({ waitMs: 0 })
      expect(again?.text()).toBe('hello')
      await again?.complete()
      await turns(clock)
    }
  })

  it('that hands out more than it was asked for gets the rest back', async () => {
    const { provider, client, clock } = setUp()
    const generous = changed(provider, ({ receive }) => ({
      receive: (options) => receive({ ...options, maxMessages: 10 }),
    }))
    const queue = client({ provider: generous })
    await queue.sendBatch([{ body: '1' }, { body: '2' }, { body: '3' }])
    expect((await queue.receive({ waitMs: 0 }))?.text()).toBe('1')
    await turns(clock)
    const { messages } = await client().receiveBatch({ waitMs: 0 })
    expect(messages.map((message) => message.text())).toEqual(['2', '3'])
    await queue.close()
  })

  it('that calls a body sealed which is not sends nothing', async () => {
    const { client, broker } = setUp()
    const seal = { keyId: 'k', encryptedAt: new Date(0), audience: undefined, attributes: {} }
    const crypto: MessageProtection = {
      open: () => ({ protect: async ({ body }) => ({ body, attributes: {}, seal }), unprotect: async () => [] }),
    }
    await expect(client({ crypto }).send({ body: 'secret' })).rejects.toMatchObject({ code: 'EncryptionFailed' })
    expect(broker.queue('orders').messages()).toEqual([])
  })

  it('that never answers keeps no message and no close waiting', async () => {
    const { client, clock } = setUp()
    const stuck = <T>(): Promise<T> => new Promise(() => {})
    const keyProvider: KeyProvider = { getKey: () => stuck(), currentKeyId: () => stuck() }
    await client({ crypto: messageCrypto({ enabled: true, keyProvider: keys, plaintextPolicy: 'reject' }) }).send({
      body: 'hello',
    })
    const queue = client({ crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' }) })
    const receiving = queue.receive({ waitMs: 60_000 }).catch((error: { code: string }) => error.code)
    const sending = queue.send({ body: 'x' }).catch((error: { code: string }) => error.code)
    await turns(clock)
    const closing = queue.close()
    await clock.advance(1_000)
    await closing
    expect([await receiving, await sending]).toEqual(['ClientClosed', 'ClientClosed'])
    expect(
      await client()
        .receiveBatch({ waitMs: 0 })
        .catch((error: { code: string }) => error.code),
    ).toBe('KeyProviderMissing')
  })
})

describe('an outage of the broker', () => {
  it('is waited out; what cannot heal ends the loop and is told (A11, edge case 17)', async () => {
    const { provider, clock, client } = setUp()
    let failure: Error | undefined = new QueueError('ConnectionFailed', 'down')
    const queue = client({ provider: failing(provider, () => failure) })
    await client().send({ body: 'hello' })
    const texts: string[] = []
    const consumer = queue.consume((message) => void texts.push(message.text()))
    await turns(clock)
    expect(consumer.state).toBe('paused')
    failure = undefined
    await clock.advance(5_000)
    expect([consumer.state, texts]).toEqual(['running', ['hello']])
    await consumer.close()

    failure = new QueueError('PermissionDenied', 'no')
    const denied = queue.consume(() => {})
    await expect(denied.finished).rejects.toMatchObject({ code: 'PermissionDenied' })
    expect(denied.state).toBe('failed')
    await denied.close()
    await expect(queue.messages()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'PermissionDenied' })
    await queue.close()
  })

  it('that strikes while handlers run lets them end before the consumer does', async () => {
    const { provider, clock, client } = setUp()
    let failure: Error | undefined
    const queue = client({ provider: failing(provider, () => failure) })
    await queue.send({ body: 'hello' })
    const release = Promise.withResolvers<void>()
    let isCompleted = false
    const consumer = queue.consume(
      async (message) => {
        await release.promise
        await message.complete()
        isCompleted = true
      },
      { concurrency: 3 },
    )
    await turns(clock)
    failure = new QueueError('QueueNotFound', 'gone', { facts: { queue: 'orders' } })
    await client().send({ body: 'wakes the pending receive' })
    await turns(clock)
    const finished = consumer.finished.catch((error: unknown) => [error, isCompleted])
    release.resolve()
    expect(await finished).toEqual([expect.objectContaining({ code: 'QueueNotFound' }), true])
  })
})

describe('cancelling', () => {
  it('while a message is being opened rejects at once, and gives the message back (C6)', async () => {
    const { client } = setUp()
    const sealing = messageCrypto({ enabled: true, keyProvider: keys, plaintextPolicy: 'reject' })
    await client({ crypto: sealing }).send({ body: 'hello' })
    const stop = new AbortController()
    const slow: KeyProvider = {
      getKey: (_, options) =>
        new Promise((__, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('late')))
          setImmediate(() => stop.abort(reason))
        }),
      currentKeyId: () => keys.currentKeyId(),
    }
    const reason = new Error('enough')
    const queue = client({ crypto: messageCrypto({ keyProvider: slow }) })
    await expect(queue.receive({ waitMs: 60_000, signal: stop.signal })).rejects.toBe(reason)
    await queue.close()
    const again = await client({ crypto: sealing }).receive({ waitMs: 0 })
    expect([again?.text(), again?.deliveryCount]).toEqual(['hello', 2])
  })

  it('rejects with the very reason of the signal, also where it is an error of ours', async () => {
    const reason = new QueueError('Timeout', 'the application waited long enough')
    const signal = AbortSignal.abort(reason)
    const queue = setUp().client()
    await expect(queue.receive({ signal })).rejects.toBe(reason)
    await expect(queue.send({ body: 'x' }, { signal })).rejects.toBe(reason)
  })

  it('before a send means that nothing is sent', async () => {
    const { client, broker } = setUp()
    const reason = new Error('enough')
    await expect(client().send({ body: 'x' }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(broker.queue('orders').messages()).toEqual([])
  })
})

describe('options', () => {
  const { provider } = setUp()
  const wrong: [object, string, string][] = [
    [{ queue: 'orders' }, 'Configuration', 'provider'],
    [{ provider }, 'Configuration', 'queue'],
    [{ provider: {}, queue: 'orders' }, 'Configuration', 'provider'],
    [{ provider, queue: 'a b' }, 'Validation', 'queue'],
    [{ provider, queue: 'orders', crypto: {} }, 'Configuration', 'crypto'],
    [{ provider, queue: 'orders', crypt: {} }, 'Configuration', 'crypt'],
    [{ provider, queue: 'orders', maxDeliveries: 0 }, 'Configuration', 'maxDeliveries'],
    [{ provider, queue: 'orders', logger: () => {} }, 'Configuration', 'logger'],
    [{ provider, queue: 'orders', clock: Date }, 'Configuration', 'clock'],
    [{ provider, queue: 'orders', onRejected: true }, 'Configuration', 'onRejected'],
    [{ provider, queue: 'orders', meterProvider: {} }, 'Configuration', 'meterProvider'],
  ]
  it.each(wrong)('%# are refused at construction, naming the field (C23, A16)', (options, code, field) => {
    expect(() => createQueueClient(options as QueueClientOptions)).toThrow(
      expect.objectContaining({ code, facts: expect.objectContaining({ field }) }),
    )
  })

  it('of calls are checked too', async () => {
    const queue = setUp().client()
    await expect(queue.receive({ waitMs: -1 })).rejects.toMatchObject({ facts: { field: 'waitMs' } })
    await expect(queue.receive({ wait: 5 } as object)).rejects.toMatchObject({ facts: { field: 'wait' } })
    await expect(queue.receiveBatch({ maxMessages: 0 })).rejects.toMatchObject({ facts: { field: 'maxMessages' } })
    await expect(queue.send({ body: 'x' }, { signal: {} as AbortSignal })).rejects.toMatchObject({
      facts: { field: 'signal' },
    })
    expect(() => queue.consume(() => {}, { concurrency: 0 })).toThrow(
      expect.objectContaining({ facts: { field: 'concurrency' } }),
    )
    expect(() => queue.consume('handler' as never)).toThrow(expect.objectContaining({ facts: { field: 'handler' } }))
    expect(() => queue.messages({ signal: 5 } as object)).toThrow(
      expect.objectContaining({ facts: { field: 'signal' } }),
    )
    await queue.close()
  })

  it('that a protection refuses leave no transport open', () => {
    const closed: string[] = []
    const spied = changed(provider, (_, queue) => ({ close: async () => void closed.push(queue) }))
    const refusing: MessageProtection = {
      open: () => {
        throw new QueueError('Configuration', 'no', { facts: { field: 'x' } })
      },
    }
    expect(() => createQueueClient({ provider: spied, queue: 'orders', crypto: refusing })).toThrow('no')
    expect(closed).toEqual(['orders'])
  })
})

describe('what is sent', () => {
  it('is named by its place in the batch where it breaks a rule, and nothing is sent (C2, C3)', async () => {
    const { client, broker } = setUp()
    await expect(client().sendBatch([{ body: 'x' }, { body: 'y', sessionId: '' }])).rejects.toMatchObject({
      code: 'Validation',
      facts: { field: 'messages[1].sessionId' },
    })
    expect(broker.queue('orders').messages()).toEqual([])
  })

  it('is told message by message where the broker takes only some (C3, A20)', async () => {
    const { clock } = setUp()
    const broker = memoryBroker({ clock, maxQueueSize: 2 })
    const queue = createQueueClient({
      provider: memoryProvider({ broker }),
      queue: 'orders',
      clock,
      logger: false,
      retry: false,
    })
    const bodies = ['1', '2', '3'].map((messageId) => ({ messageId, body: 'x' }))
    await expect(queue.sendBatch(bodies)).rejects.toMatchObject({
      code: 'BatchPartiallyFailed',
      facts: { outcomes: [{ messageId: '1' }, { messageId: '2' }, { error: { code: 'Throttled' } }] },
    })
    expect(await queue.sendBatch([])).toEqual([])
  })

  it('travels without a seal where there is no crypto, and says nothing of it (A32)', async () => {
    const { client, lines, broker } = setUp()
    await client().send({ body: 'hello' })
    expect(Buffer.from(broker.queue('orders').messages()[0]?.body ?? []).toString()).toBe('hello')
    expect((await client().receive({ waitMs: 0 }))?.seal).toBeNull()
    expect(lines).toEqual([])
  })
})

describe('closing', () => {
  it('waits for a send that is under way, and closes the transport after it (C21)', async () => {
    const { provider, clock, client } = setUp()
    const stored = Promise.withResolvers<void>()
    const order: string[] = []
    const slow = changed(provider, (transport) => ({
      async send(messages, options) {
        await stored.promise
        order.push('sent')
        return transport.send(messages, options)
      },
      async close() {
        order.push('closed')
        await transport.close()
      },
    }))
    const queue = client({ provider: slow })
    const sending = queue.send({ body: 'hello' })
    await turns(clock)
    const closing = queue.close()
    await turns(clock)
    stored.resolve()
    await Promise.all([sending, closing])
    expect(order).toEqual(['sent', 'closed'])
  })

  it('disposes a message whose lock is gone without an error: the broker has it back', async () => {
    const { client, clock } = setUp()
    const queue = client()
    await queue.send({ body: 'hello' })
    const message = await queue.receive({ waitMs: 0 })
    await clock.advance(LOCK_MS + 1)
    await message?.[Symbol.asyncDispose]()
    expect((await queue.receive({ waitMs: 0 }))?.deliveryCount).toBe(2)
    await queue.close()
  })
})

describe('a slow settlement of a refused message', () => {
  const slowDeadLetters = (provider: QueueProvider, gate: Promise<void>): QueueProvider =>
    changed(provider, ({ receive }) => ({
      receive: async (options) =>
        (await receive(options)).map((delivery) => ({
          ...delivery,
          async deadLetter(reason) {
            await gate
            await delivery.deadLetter(reason)
          },
        })),
    }))

  it('does not keep an aborted receive waiting, and the good message beside it goes back (C6)', async () => {
    const { provider, client, broker, clock } = setUp()
    const gate = Promise.withResolvers<void>()
    const crypto = messageCrypto({ enabled: true, keyProvider: keys, plaintextPolicy: 'reject' })
    const queue = client({ provider: slowDeadLetters(provider, gate.promise), crypto })
    broker.queue('orders').put({ body: new TextEncoder().encode('forged'), messageId: 'm-1' })
    await queue.send({ body: 'good' })
    const stop = new AbortController()
    const reason = new Error('enough')
    const receiving = queue.receiveBatch({ waitMs: 60_000, signal: stop.signal })
    receiving.catch(() => {})
    await turns(clock)
    stop.abort(reason)
    await expect(receiving).rejects.toBe(reason)
    await turns(clock)
    expect((await client({ crypto }).receive({ waitMs: 0 }))?.text()).toBe('good')
    gate.resolve()
    await queue.close()
    expect(broker.queue('orders').deadLetters()).toHaveLength(1)
  })

  it('starts no handler in a consumer that closes meanwhile without telling it so', async () => {
    const { provider, client, broker, clock } = setUp()
    const gate = Promise.withResolvers<void>()
    const crypto = messageCrypto({ enabled: true, keyProvider: keys, plaintextPolicy: 'reject' })
    const queue = client({ provider: slowDeadLetters(provider, gate.promise), crypto })
    broker.queue('orders').put({ body: new TextEncoder().encode('forged'), messageId: 'm-1' })
    await queue.send({ body: 'good' })
    const aborted: boolean[] = []
    const consumer = queue.consume((_, { signal }) => void aborted.push(signal.aborted), { concurrency: 2 })
    await turns(clock)
    const closing = consumer.close()
    await turns(clock)
    expect(consumer.state).toBe('stopped')
    gate.resolve()
    await closing
    expect(aborted.every((isAborted) => isAborted)).toBe(true)
    await queue.close()
    expect((await client({ crypto }).receive({ waitMs: 0 }))?.text()).toBe('good')
  })
})

describe('concurrent looks', () => {
  it('without a wait stand in line for a moment instead of finding nothing', async () => {
    const { provider, client, clock } = setUp()
    const slow = changed(provider, ({ receive }) => ({
      async receive(options) {
        await clock.sleep(10)
        return receive(options)
      },
    }))
    const queue = client({ provider: slow })
    await queue.sendBatch(Array.from({ length: 5 }, (_, index) => ({ body: String(index) })))
    const receiving = Promise.all(Array.from({ length: 5 }, () => queue.receive({ waitMs: 0 })))
    await clock.advance(60)
    expect((await receiving).map((message) => message?.text())).toEqual(['0', '1', '2', '3', '4'])
    await queue.close()
  })

  it('at a transport that comes back early with nothing leave the process free', async () => {
    const { provider, client } = setUp()
    const early = changed(provider, () => ({ receive: async () => [] }))
    const queue = client({ provider: early })
    const receiving = queue.receive({ waitMs: 60_000 }).catch((error: { code: string }) => error.code)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await queue.close()
    expect(await receiving).toBe('ClientClosed')
  })
})

describe('what is received', () => {
  it('hides the attributes that are the library’s own and those of tracing (protocol.md 2)', async () => {
    const { client, broker } = setUp()
    const crypto = messageCrypto({
      enabled: true,
      keyProvider: keys,
      plaintextPolicy: 'reject',
      authenticatedAttributes: ['tenant'],
    })
    const queue = client({ crypto })
    await queue.send({ body: 'x', attributes: { tenant: 'seven' } })
    const [stored] = broker.queue('orders').messages()
    expect(stored?.attributes).toEqual({ tenant: 'seven', 'qr-auth-attrs': 'tenant' })
    broker
      .queue('orders')
      .replace(stored?.brokerMessageId ?? '', { attributes: { ...stored?.attributes, traceparent: '00' } })
    expect((await queue.receive({ waitMs: 0 }))?.attributes).toEqual({ tenant: 'seven' })
  })

  it('from the dead-letter queue comes once a pass, though its lock ends meanwhile (D4)', async () => {
    const { client, clock } = setUp()
    const queue = client()
    await queue.sendBatch(['1', '2', '3'].map((body) => ({ body })))
    for (let count = 0; count < 3; count += 1) await (await queue.receive({ waitMs: 0 }))?.deadLetter({ reason: 'r' })
    const texts: string[] = []
    for await (const letter of queue.deadLetters().messages()) {
      texts.push((await letter.open()).text())
      if (texts.length < 3) await clock.advance(LOCK_MS + 1)
    }
    expect(texts).toEqual(['1', '2', '3'])
    await queue.close()
  })

  it('opens from the dead-letter queue however old it is', async () => {
    const { client, clock } = setUp()
    const queue = client({ crypto: messageCrypto({ enabled: true, keyProvider: keys, plaintextPolicy: 'reject' }) })
    await queue.send({ body: 'hello' })
    await clock.advance(3_600_000)
    expect(await queue.receive({ waitMs: 0 })).toBeNull()
    const letters: unknown[] = []
    for await (const letter of queue.deadLetters().messages())
      letters.push([letter.reason, (await letter.open()).text()])
    expect(letters).toEqual([['qr.expired', 'hello']])
  })

  it('and refused is logged with its reason; an onRejected that throws breaks nothing', async () => {
    const { client, broker, lines, clock } = setUp()
    const crypto = messageCrypto({ keyProvider: keys, plaintextPolicy: 'reject' })
    const queue = client({
      crypto,
      onRejected: () => {
        throw new Error('secret')
      },
    })
    broker.queue('orders').put({ body: new TextEncoder().encode('forged'), messageId: 'm-1' })
    expect(await queue.receive({ waitMs: 0 })).toBeNull()
    await turns(clock)
    const [moved, refused, threw] = lines.filter(({ text }) => text !== 'Message received WITHOUT encryption')
    expect(moved).toMatchObject({
      level: 'error',
      text: 'Message moved to the dead-letter queue',
      fields: { queue_name: 'orders', message_id: 'm-1', reason: 'qr.rejected' },
    })
    expect(refused).toMatchObject({
      level: 'warn',
      text: 'Message not handed over',
      fields: { queue_name: 'orders', message_id: 'm-1', error_type: 'UnencryptedMessage', disposition: 'dead-letter' },
    })
    expect(threw?.text).toBe('onRejected threw')
    expect(JSON.stringify(lines)).not.toMatch(/forged|secret/)
  })
})
