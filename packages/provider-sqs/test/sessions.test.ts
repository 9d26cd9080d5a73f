import { describe, expect, it } from 'vitest'
import { sealing } from './protection.ts'
import { randomFrom } from './random.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { local } from './support.ts'

const here = local()

describe('sessions of a FIFO queue', () => {
  it('are handled in their order, one message at a time, whatever fails or is held too long (PS1, A8, C15)', {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { client, queue: make } = here()
    const queue = await make({ fifo: true })
    const [groups, each] = [5, scaled(8)]
    const crypto = sealing()
    const sender = client(queue, { crypto })
    await sender.sendBatch(
      Array.from({ length: groups * each }, (_, index) => ({
        body: String(Math.floor(index / groups)),
        sessionId: `s${index % groups}`,
      })),
    )
    const random = randomFrom(20_260_101)
    const handled = new Map<string, number[]>()
    const busy = new Set<string>()
    const overlaps: string[] = []
    const done = Promise.withResolvers<void>()
    const receivers = [1, 2].map(() => client(queue, { crypto }, { lockMs: 2_000 }))
    const consumers = receivers.map((receiver) =>
      receiver.consume(
        async (message, { signal }) => {
          const { sessionId = '' } = message
          if (busy.has(sessionId)) overlaps.push(sessionId)
          busy.add(sessionId)
          try {
            const dice = random()
            if (dice < 0.1) throw new Error('failed')
            if (dice < 0.15) await message.abandon({ delayMs: 0 })
            // Nobody renews: the lock ends while the handler hangs, and SQS delivers again.
            else if (dice < 0.17) {
              busy.delete(sessionId)
              await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
              throw new Error('too late')
            } else {
              await message.complete()
              handled.set(sessionId, [...(handled.get(sessionId) ?? []), Number(message.text())])
            }
          } finally {
            busy.delete(sessionId)
            if ([...handled.values()].flat().length >= groups * each) done.resolve()
          }
        },
        { sessions: true, concurrency: 3, maxAutoRenewMs: 0, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      ),
    )
    await done.promise
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(overlaps).toEqual([])
    expect(handled.size).toBe(groups)
    for (const numbers of handled.values()) expect(numbers).toEqual(Array.from({ length: each }, (_, index) => index))
  })

  it('come several of one at once, and what stays holds back what came with it (PS1, C15)', async () => {
    const { client, queue: make } = here()
    const queue = await make({ fifo: true })
    const one = client(queue)
    await one.sendBatch(['1', '2', '3'].map((body) => ({ body, sessionId: 's' })))
    const seen: string[] = []
    const done = Promise.withResolvers<void>()
    const consumer = one.consume(
      async (message) => {
        seen.push(`${message.text()}#${message.deliveryCount}`)
        if (seen.length === 1) throw new Error('failed')
        if (message.text() === '3') done.resolve()
      },
      { sessions: true, concurrency: 10, onError: () => ({ action: 'abandon', delayMs: 0 }) },
    )
    await done.promise
    await consumer.close()
    expect(seen).toEqual(['1#1', '1#2', '2#2', '3#2'])
  })

  it('cannot be accepted: Unsupported (PS1)', async () => {
    const { client, queue: make } = here()
    const one = client(await make({ fifo: true }))
    await expect(one.acceptSession({ sessionId: 's' })).rejects.toMatchObject({ code: 'Unsupported' })
  })
})
