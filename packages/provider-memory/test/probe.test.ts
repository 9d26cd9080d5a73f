import type { QueueTransport } from '@queue-runtime/core/provider'
import { expect, test } from 'vitest'
import { accept, look, never, START, sendTo, setUp } from './support.ts'

const probe = async (transport: QueueTransport, signal = never): Promise<unknown> => transport.probe?.({ signal })

test('O3: probe tells how many messages are active, locked and scheduled, and leaves them as they are', async () => {
  const { broker, transport } = setUp({ maxDeliveryCount: 1 })
  expect(await probe(transport)).toEqual({ depth: 0 })
  await sendTo(transport, ['A', 'held'], ['B', 'locked'], [undefined, 'dead'], [undefined, 'completed'])
  await sendTo(transport, [undefined, 'scheduled', { deliverAt: new Date(START + 1_000) }], ['A', 'active'])
  await look(await accept(transport, 'A'), 1)
  const [, dead, completed] = await look(transport)
  await dead?.abandon({ delayMs: 0 })
  await completed?.complete()
  const before = broker.queue('orders').messages()
  expect(await probe(transport)).toEqual({ depth: 4 })
  expect(broker.queue('orders').messages()).toEqual(before)
})

test('PM7, A2: probe of an unknown queue gives QueueNotFound where none is made', async () => {
  const { transport } = setUp({ autoCreateQueues: false })
  await expect(probe(transport)).rejects.toMatchObject({ code: 'QueueNotFound', facts: { queue: 'orders' } })
})

test('C6, C21: probe rejects with the reason of its signal, and with ClientClosed once the transport is closed', async () => {
  const { transport } = setUp()
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(probe(transport, signal)).rejects.toBe(signal.reason)
  await transport.close()
  await expect(probe(transport)).rejects.toMatchObject({ code: 'ClientClosed' })
})
