import { describe, expect, test } from 'vitest'
import { createRecentIds } from '../src/deduplication.ts'
import { memoryProvider } from '../src/index.ts'
import { bodies, bytes, look, never, setUp, take, wire } from './support.ts'

const WINDOW = { deduplicationWindowMs: 60_000 }

const sendIds = async (
  transport: ReturnType<typeof setUp>['transport'],
  ...ids: readonly (readonly [deduplicationId: string, body: string])[]
): Promise<unknown[]> => {
  const messages = ids.map(([deduplicationId, body]) => wire(body, { deduplicationId }))
  return (await transport.send(messages, { signal: never })).map(({ error }) => error?.code)
}

describe('duplicate detection (PM9)', () => {
  test('edge 4: without a window every message is delivered', async () => {
    const { transport } = setUp()
    await sendIds(transport, ['x', 'one'], ['x', 'two'])
    expect(await bodies(transport)).toEqual(['one', 'two'])
  })

  test('edge 4, edge 10: within it a message of a known id is accepted and dropped, in one send or several', async () => {
    const { broker, transport } = setUp(WINDOW)
    expect(await sendIds(transport, ['x', 'one'], ['y', 'two'], ['x', 'three'])).toEqual([
      ...[undefined, undefined, undefined],
    ])
    expect(await sendIds(memoryProvider({ broker }).open('orders'), ['y', 'four'])).toEqual([undefined])
    expect(await bodies(transport)).toEqual(['one', 'two'])
  })

  test('the deduplication id counts, not the message id: what is redriven under a fresh one arrives', async () => {
    const { transport } = setUp(WINDOW)
    const messageId = 'same'
    const messages = [
      wire('one', { messageId, deduplicationId: 'x' }),
      wire('two', { messageId, deduplicationId: 'y' }),
    ]
    await transport.send(messages, { signal: never })
    expect(await bodies(transport)).toEqual(['one', 'two'])
  })

  test('the window begins as the first is stored and ends for all, to the millisecond', async () => {
    const { clock, transport } = setUp(WINDOW)
    await sendIds(transport, ['x', 'one'])
    await clock.advance(59_999)
    await sendIds(transport, ['x', 'two'])
    await clock.advance(1)
    await sendIds(transport, ['x', 'three'])
    expect(await bodies(transport)).toEqual(['one', 'three'])
  })

  test('an id is known after its message has gone', async () => {
    const { transport } = setUp(WINDOW)
    await sendIds(transport, ['x', 'one'])
    await (await take(transport)).complete()
    await sendIds(transport, ['x', 'two'])
    expect(await look(transport)).toEqual([])
  })

  test('what a full queue refused is not known; what it has stored is accepted again', async () => {
    const { transport } = setUp({ ...WINDOW, maxQueueSize: 1 })
    expect(await sendIds(transport, ['x', 'one'], ['y', 'two'], ['x', 'three'])).toEqual([
      ...[undefined, 'Throttled', undefined],
    ])
    await (await take(transport)).complete()
    await sendIds(transport, ['y', 'two'])
    expect(await bodies(transport)).toEqual(['two'])
  })

  test('each queue knows its own', async () => {
    const { broker, transport } = setUp(WINDOW)
    const other = memoryProvider({ broker }).open('other')
    await sendIds(transport, ['x', 'one'])
    await sendIds(other, ['x', 'two'])
    expect([await bodies(transport), await bodies(other)]).toEqual([['one'], ['two']])
  })

  test('put goes past it, both ways: it is stored, and what is sent after it too', async () => {
    const { broker, transport } = setUp(WINDOW)
    const raw = { messageId: 'm', deduplicationId: 'x', body: bytes('put') }
    broker.queue('orders').put(raw)
    await sendIds(transport, ['x', 'sent'])
    broker.queue('orders').put(raw)
    expect(await bodies(transport)).toEqual(['put', 'sent', 'put'])
  })

  test('what is stored shows its deduplication id, so that it can be put again as it was', async () => {
    const { broker, transport } = setUp()
    await sendIds(transport, ['x', 'one'])
    const [stored] = broker.queue('orders').messages()
    expect(stored?.deduplicationId).toBe('x')
    broker.queue('orders').put(stored ?? { messageId: '', body: bytes('') })
    expect(broker.queue('orders').messages()[1]?.deduplicationId).toBe('x')
  })

  test('what it keeps is bounded by the window', () => {
    const kept: string[] = []
    const ids = createRecentIds(10)
    for (let now = 0; now < 1_000; now += 1) {
      ids.forget(now)
      ids.add(`${now}`, now)
    }
    for (let id = 0; id < 1_000; id += 1) if (ids.has(`${id}`)) kept.push(`${id}`)
    expect(kept).toEqual(['990', '991', '992', '993', '994', '995', '996', '997', '998', '999'])
  })
})
