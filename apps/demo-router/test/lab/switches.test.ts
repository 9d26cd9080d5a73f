import { createQueueClient, isQueueError, QueueError } from '@queue-runtime/core'
import { memoryNonceStore } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryKeyShelf } from '../../src/lab/queue-keys.ts'
import { createSwitch, switchedKeys, switchedNonces, switchedProvider } from '../../src/lab/switches.ts'

const isFailedConnection = (error: unknown) => isQueueError(error, 'ConnectionFailed')

describe('a broker behind a switch', () => {
  const open = () => {
    const power = createSwitch()
    const broker = memoryBroker()
    const provider = switchedProvider(memoryProvider({ broker }), power)
    const client = createQueueClient({ provider, queue: 'orders', retry: false, logger: false })
    onTestFinished(() => client.close())
    return { power, broker, provider, client }
  }

  it('is the broker while it is on', async () => {
    const { client } = open()
    await client.send({ body: 'hello' })
    const message = await client.receive({ waitMs: 1_000 })
    expect(message?.text()).toBe('hello')
    await message?.complete()
    expect(await client.health()).toEqual({ depth: 0 })
  })

  it('answers nothing while it is off, and has what it had afterwards', async () => {
    const { power, client } = open()
    await client.send({ body: 'hello' })
    const message = await client.receive({ waitMs: 1_000 })
    power.turn(true)
    for (const call of [
      () => client.send({ body: 'more' }),
      () => client.receive({ waitMs: 10 }),
      () => client.health(),
      () => message?.complete() ?? Promise.resolve(),
    ]) {
      await expect(call()).rejects.toSatisfy(isFailedConnection)
    }
    power.turn(false)
    await message?.complete()
    expect(await client.health()).toEqual({ depth: 0 })
  })

  it('breaks the connection of whoever waits for messages', async () => {
    const { power, provider } = open()
    const transport = provider.open('orders')
    onTestFinished(() => transport.close())
    const { signal } = new AbortController()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 20_000, signal })
    power.turn(true)
    await expect(waiting).rejects.toSatisfy(isFailedConnection)
  })

  it('leaves an abort what it is', async () => {
    const { power, provider } = open()
    const transport = provider.open('orders')
    onTestFinished(() => transport.close())
    const aborting = new AbortController()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 20_000, signal: aborting.signal })
    aborting.abort(new QueueError('ClientClosed', 'enough'))
    power.turn(true)
    await expect(waiting).rejects.toSatisfy((error) => isQueueError(error, 'ClientClosed'))
  })
})

describe('stores behind a switch', () => {
  it('refuse the connection while they are off', async () => {
    const power = createSwitch()
    const keys = switchedKeys(memoryKeyShelf('key'), power)
    const nonces = switchedNonces(memoryNonceStore(), power)
    expect(await keys.currentKeyId()).toBe('key')
    power.turn(true)
    for (const call of [
      () => keys.currentKeyId(),
      () => keys.getKey('key'),
      () => keys.validKeyIds?.() ?? Promise.resolve(),
      () => nonces.claim([]),
    ]) {
      await expect(call()).rejects.toThrow('ECONNREFUSED')
    }
    power.turn(false)
    expect(await keys.validKeyIds?.()).toEqual(['key'])
    expect(await nonces.claim([])).toEqual([])
  })
})
