import { QueueError, type QueueProvider } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCopies, type StoredCopy } from '../src/broker/copies.ts'
import { createHands } from '../src/broker/hands.ts'
import { createLetters } from '../src/broker/letters.ts'
import { watchedProvider } from '../src/broker/watched-provider.ts'

const QUEUE = 'merge-warden'
const now = { maxMessages: 10, waitMs: 0, signal: new AbortController().signal }

const createWorld = ({ isRealTime = false, change = (provider: QueueProvider) => provider } = {}) => {
  const clock = fakeClock(0)
  const broker = memoryBroker({ clock, maxDeliveryCount: 10 })
  const copies = createCopies()
  const told: string[] = []
  const tell = (what: string) => (copy: StoredCopy) => void told.push(`${what} ${copy.messageId}`)
  const provider = watchedProvider(change(memoryProvider({ broker })), {
    ...{ copies, isRealTime },
    observer: { stored: tell('stored'), completed: tell('completed'), dead: tell('dead') },
  })
  const transport = provider.open(QUEUE)
  onTestFinished(() => transport.close())
  const { signal } = now
  return {
    ...{ broker: broker.queue(QUEUE), copies, told, transport },
    hands: createHands(provider, copies, signal),
    letters: createLetters(provider, signal),
    put: (messageId: string, sessionId?: string) =>
      transport.put({ messageId, sessionId, body: Buffer.from(messageId) }, signal),
  }
}

describe('a broker that is watched', () => {
  it('is seen to store, to complete and to bury, each once', async () => {
    const { put, transport, told, copies } = createWorld()
    for (const id of ['a', 'b', 'c']) await put(id)
    const [one, two, three] = await transport.receive(now)
    await one?.complete()
    await two?.deadLetter({ reason: 'no good' })
    await three?.abandon({ delayMs: 0 })
    await (await transport.receive(now))[0]?.abandon({ delayMs: 0 })
    expect(told).toEqual(['stored a', 'stored b', 'stored c', 'completed a', 'dead b'])
    expect(copies.lyingIn(QUEUE).map(({ messageId }) => messageId)).toEqual(['c'])
  })

  it('keeps no copy of what it did not take, whether it says so or breaks', async () => {
    const full = { error: new QueueError('Throttled', 'full') }
    const refuse = (send: () => Promise<{ readonly error: QueueError | null }[]>) => (provider: QueueProvider) => ({
      ...provider,
      open: (queue: string) => ({ ...provider.open(queue), send }),
    })
    const refusing = createWorld({ change: refuse(async () => [full]) })
    await expect(refusing.put('a')).rejects.toBe(full.error)
    const breaking = createWorld({ change: refuse(async () => Promise.reject(full.error)) })
    await expect(breaking.put('a')).rejects.toBe(full.error)
    for (const { copies, told } of [refusing, breaking]) expect([copies.lyingIn(QUEUE), told]).toEqual([[], []])
  })

  it('leaves delays to the client where its clock cannot skip', () => {
    expect(createWorld().transport.features.abandonDelay).toBe(true)
    expect(createWorld({ isRealTime: true }).transport.features.abandonDelay).toBe(false)
  })

  it('is watched in sessions, too', async () => {
    const { put, transport, told } = createWorld()
    await put('a', 's')
    const session = await transport.acceptSession?.({ ...now, sessionId: 's' })
    expect([session?.sessionId, session?.lockedUntil]).toEqual(['s', new Date(300_000)])
    await (await session?.receive(now))?.[0]?.complete()
    await session?.close()
    expect(told).toEqual(['stored a', 'completed a'])
  })
})

describe('the hands of an attacker', () => {
  it('take all that lies in a queue, of one session too, and put back what is not kept, in order and as it was', async () => {
    const { put, hands, broker, copies, told } = createWorld()
    const stored = [await put('a', 's'), await put('b', 's'), await put('c'), await put('d', 's')]
    const grip = await hands.grab(QUEUE, 5_000)
    expect(grip.copies).toEqual(stored)
    expect([broker.messages(), copies.lyingIn(QUEUE)]).toEqual([[], []])
    for (const copy of grip.copies.slice(0, 1)) grip.keep(copy)
    await grip.release()
    expect(
      broker.messages().map(({ messageId, sessionId, deliveryCount }) => [messageId, sessionId, deliveryCount]),
    ).toEqual([
      ['b', 's', 0],
      ['c', undefined, 0],
      ['d', 's', 0],
    ])
    expect(copies.lyingIn(QUEUE)).toEqual(stored.slice(1))
    // What nobody handled is not told to be handled, nor stored twice.
    expect(told).toEqual(['stored a', 'stored b', 'stored c', 'stored d'])
  })

  it('put what nobody sealed', async () => {
    const { hands, broker } = createWorld()
    const copy = await hands.put(QUEUE, { messageId: 'x', body: Buffer.from('plain'), attributes: { a: 'b' } })
    expect(broker.messages()).toMatchObject([{ messageId: 'x', attributes: { a: 'b' } }])
    expect(copy).toMatchObject({ queue: QUEUE, messageId: 'x', attributes: { a: 'b' } })
  })
})

describe('the dead letters as the broker shows them', () => {
  it('say why of the very copies that lie there, and of no others', async () => {
    const { put, transport, letters, broker, hands } = createWorld()
    const [dead, alive] = [await put('a'), await put('b')]
    const altered = await hands.put(QUEUE, { messageId: 'a', body: Buffer.from('other bytes') })
    const deliveries = await transport.receive(now)
    await deliveries[0]?.deadLetter({ reason: 'no good' })
    for (const delivery of deliveries.slice(1)) await delivery.abandon({ delayMs: 0 })
    expect(letters.reasonOf(dead)).toBeUndefined()
    await letters.refresh(QUEUE)
    expect([dead, alive, altered].map(letters.reasonOf)).toEqual(['no good', undefined, undefined])
    expect(broker.deadLetters().map(({ messageId, state }) => [messageId, state])).toEqual([['a', 'active']])
  })
})
