import { isQueueError, type OutgoingMessage, type QueueClient } from '@queue-runtime/core'
import type { Call, Fault } from '@queue-runtime/sqs-strict'
import { expect, it } from 'vitest'
import { sealing } from './protection.ts'
import { randomFrom } from './random.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { local } from './support.ts'

const here = local()

const SEED = Number(process.env.FAULT_SEED ?? 20_260_101)

/** One call in so many goes wrong. */
const ONE_IN = 6

const FAULTS: readonly ((random: () => number) => Fault)[] = [
  () => ({ kind: 'error', status: 400, code: 'RequestThrottled' }),
  () => ({ kind: 'error', status: 503, code: 'ServiceUnavailable' }),
  () => ({ kind: 'error', status: 500, code: 'InternalError' }),
  () => ({ kind: 'cut', when: 'before' }),
  () => ({ kind: 'cut', when: 'after' }),
  () => ({ kind: 'cut', when: 'amid' }),
  (random) => ({ kind: 'slow', ms: 500 * random() }),
  (random) => ({ kind: 'entries', code: 'InternalError', senderFault: false, spared: () => random() < 0.5 }),
  (random) => ({ kind: 'entries', code: 'RequestThrottled', senderFault: true, spared: () => random() < 0.5 }),
]

/** Sends until SQS has taken every message, as an application does that must not lose one. */
const sendAll = async (client: QueueClient, messages: readonly OutgoingMessage[]): Promise<void> => {
  let open = messages
  while (open.length > 0) {
    try {
      await client.sendBatch(open)
      return
    } catch (error) {
      if (isQueueError(error, 'BatchPartiallyFailed')) {
        const { outcomes } = error.facts
        open = open.filter((_, index) => 'error' in (outcomes[index] ?? {}))
      } else if (!isQueueError(error) || !error.isTransient) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

it.for([
  ['a standard queue', false],
  ['a FIFO queue', true],
] as const)(
  `random faults lose none of many sealed messages on %s, seed ${SEED} (C20, A11, A12, edge cases 10 and 19)`,
  { timeout: 3 * SCALED_TIMEOUT_MS },
  async ([, fifo]) => {
    const { sqs, client, queue: make, nameOf } = here()
    const queue = await make({ fifo })
    const random = randomFrom(SEED)
    const faults = new Map<string, number>()
    sqs.inject(({ action, queue: of }: Call) => {
      if (of !== nameOf(queue) || random() * ONE_IN >= 1) return undefined
      // When is left to chance; what goes through all kinds, for each action.
      const count = faults.get(action) ?? 0
      faults.set(action, count + 1)
      return FAULTS[count % FAULTS.length]?.(random)
    })
    const crypto = sealing()
    const retry = { initialMs: 20, maxAttempts: 5 }
    const provider = { lockMs: 4_000 }
    const messages = Array.from({ length: scaled(500) }, (_, index): OutgoingMessage & { messageId: string } => ({
      messageId: `m-${index}`,
      body: `body ${index}`,
      ...(fifo && { sessionId: `s-${index % 50}` }),
    }))
    const handled = new Map<string, number>()
    const wrong: string[] = []
    const rejected: string[] = []
    const all = Promise.withResolvers<void>()
    const consumers = Array.from({ length: 4 }, () =>
      client(queue, { crypto, retry, onRejected: ({ error }) => void rejected.push(error.code) }, provider).consume(
        async (message) => {
          if (message.text() !== `body ${message.messageId.slice(2)}`) wrong.push(message.messageId)
          if (random() < 0.02) throw new Error('failed')
          handled.set(message.messageId, (handled.get(message.messageId) ?? 0) + 1)
          if (handled.size === messages.length) all.resolve()
        },
        { concurrency: 5, sessions: fifo, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      ),
    )
    const senders = Array.from({ length: 10 }, async (_, part) => {
      const sender = client(queue, { crypto, retry }, provider)
      const own = messages.filter((_message, index) => index % 10 === part)
      for (let at = 0; at < own.length; at += 5) await sendAll(sender, own.slice(at, at + 5))
    })
    await Promise.all(senders)
    await all.promise
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(wrong).toEqual([])
    expect(rejected).toEqual([])
    expect([...handled.keys()].toSorted()).toEqual(messages.map(({ messageId }) => messageId).toSorted())
    // Every kind of call met every kind of fault, or this would prove little.
    for (const action of ['SendMessageBatch', 'ReceiveMessage', 'DeleteMessageBatch']) {
      expect(faults.get(action)).toBeGreaterThanOrEqual(FAULTS.length)
    }
  },
)
