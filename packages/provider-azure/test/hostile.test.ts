import type { ServiceBusClient } from '@azure/service-bus'
import { describe, expect, it } from 'vitest'
import { toIncoming } from '../src/incoming.ts'
import { local, sendRaw } from './support.ts'

const here = local()

/** Puts bytes into a queue that the SDK would not make: what it sends over is rhea's link. */
async function sendBytes(client: ServiceBusClient, queue: string, bytes: Buffer): Promise<void> {
  const sender = client.createSender(queue)
  await sender.createMessageBatch()
  const { _sender } = sender as unknown as {
    _sender: { _link: { _link: { send(bytes: Buffer, tag: undefined, format: number): void } } }
  }
  _sender._link._link.send(bytes, undefined, 0)
}

/** AMQP: application properties that are null, and a body of one byte. The SDK's decoder throws on it. */
const UNDECODABLE = Buffer.from('00537440' + '005375a00178', 'hex')

const nested = (depth: number): unknown => {
  let value: unknown = 'x'
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

describe('a message that was made to harm', () => {
  it('and that the SDK cannot decode ends no consumer, and is a dead letter at last', async () => {
    const { queue: make, tool, client, look } = here()
    const queue = make({ lockDurationMs: 1_000, maxDeliveryCount: 2 })
    await sendBytes(tool, queue, UNDECODABLE)
    await sendRaw(tool, queue, { body: Buffer.from('good') })
    const handled = Promise.withResolvers<string>()
    const consumer = client(queue, { retry: { initialMs: 1, maxMs: 1 } }).consume((message) =>
      handled.resolve(message.text()),
    )
    expect(await Promise.race([handled.promise, consumer.finished])).toBe('good')
    await expect.poll(() => look(queue).deadLetters().length, { timeout: 30_000, interval: 100 }).toBe(1)
    expect(consumer.state).not.toBe('failed')
    expect(look(queue).messages()).toEqual([])
  })

  it.each([
    ['body', { body: nested(100_000) }],
    ['properties', { body: Buffer.from('a'), applicationProperties: { p: nested(100_000) as string } }],
    ['correlation id', { body: Buffer.from('a'), correlationId: nested(100_000) as string }],
  ])('by the depth of its %s is refused, and takes no other along', (_, raw) => {
    const message = toIncoming({ ...raw, messageId: 'm', deliveryCount: 3 }, { isDeadLetters: false }, { until: 0 })
    expect(message).toMatchObject({ malformed: 'content', attributes: {}, deliveryCount: 4 })
    expect(message.body).toHaveLength(0)
  })

  it.each(['a\nb', 'a b', '\u0000', 'm'.repeat(129), '\ufffd'])(
    'by its id %j is known by the broker’s',
    (messageId) => {
      const raw = { body: Buffer.from('a'), messageId, sequenceNumber: 7 }
      expect(toIncoming(raw, { isDeadLetters: false }, { until: 0 })).toMatchObject({
        messageId: '7',
        malformed: undefined,
      })
    },
  )
})
