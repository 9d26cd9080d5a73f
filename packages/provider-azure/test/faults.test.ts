import { isQueueError, type OutgoingMessage, type QueueClient } from '@queue-runtime/core'
import { CONDITION, type Fault, type FaultPoint } from '@queue-runtime/service-bus-emulator'
import { it } from 'vitest'
import { sealing } from './protection.ts'
import { randomFrom } from './random.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { local, pause } from './support.ts'

const here = local()

const SEED = Number(process.env.FAULT_SEED ?? 20_260_101)

interface Weather {
  /** About one event in so many goes wrong. */
  readonly oneIn: number
  /** What goes wrong, one after the other. */
  readonly faults: readonly Fault[]
}

const BREAKS: readonly Fault[] = [{ drop: 'before' }, { drop: 'after' }]

const WEATHER: readonly (readonly [FaultPoint, Weather])[] = [
  ['attach', { oneIn: 12, faults: [...BREAKS, { error: CONDITION.serverBusy }, { delayMs: 300 }] }],
  ['send', { oneIn: 12, faults: [...BREAKS, { error: CONDITION.serverBusy }, { delayMs: 200 }] }],
  ['deliver', { oneIn: 100, faults: BREAKS }],
  ['settle', { oneIn: 70, faults: [...BREAKS, { delayMs: 200 }] }],
  ['management', { oneIn: 4, faults: [...BREAKS, { error: CONDITION.serverBusy }] }],
]

/** How often there are others is left to chance. */
const isFrequent = (point: FaultPoint): boolean => point === 'send' || point === 'deliver' || point === 'settle'

/** Sends until Service Bus has taken every message, as an application does that must not lose one. */
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
      await pause(100)
    }
  }
}

it.concurrent.for([
  ['a queue', false],
  ['a queue with sessions', true],
] as const)(
  `connections that break at random lose none of ${scaled(500)} sealed messages on %s, and deliver again only what has the same id, seed ${SEED} (C20, A11, edge cases 2 and 10)`,
  { timeout: 3 * SCALED_TIMEOUT_MS },
  async ([, requiresSession], { expect }) => {
    const { emulator, client, look, queue: make } = here()
    const queue = make({ requiresSession, lockDurationMs: 2_000, maxDeliveryCount: 1_000 })
    const random = randomFrom(SEED)
    const struck = new Map<FaultPoint, number>()
    for (const [point, { oneIn, faults }] of WEATHER) {
      // Who asks for sessions attaches all the time, and sends by session.
      const rarity = requiresSession && (point === 'attach' || point === 'send') ? 5 * oneIn : oneIn
      let left = rarity
      const choose = (): Fault | undefined => {
        left -= 1
        if (left > 0) return undefined
        left = rarity * (0.5 + random())
        const count = struck.get(point) ?? 0
        struck.set(point, count + 1)
        return faults[count % faults.length]
      }
      emulator.inject(point, choose, { queue })
    }
    const crypto = sealing()
    const retry = { initialMs: 20, maxAttempts: 5 }
    const messages = Array.from({ length: scaled(500) }, (_, index): OutgoingMessage & { messageId: string } => ({
      messageId: `m-${index}`,
      body: `body ${index}`,
      ...(requiresSession && { sessionId: `s-${index % 20}` }),
    }))
    const handled = new Set<string>()
    const wrong: string[] = []
    const rejected: string[] = []
    const all = Promise.withResolvers<void>()
    const consumers = Array.from({ length: 4 }, () =>
      client(queue, { crypto, retry, onRejected: ({ error }) => void rejected.push(error.code) }).consume(
        async (message) => {
          if (message.text() !== `body ${message.messageId.slice(2)}`) wrong.push(message.messageId)
          if (random() < 0.02) throw new Error('failed')
          handled.add(message.messageId)
          if (handled.size === messages.length) all.resolve()
        },
        { concurrency: 5, sessions: requiresSession, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      ),
    )
    const senders = Array.from({ length: 5 }, async (_, part) => {
      const sender = client(queue, { crypto, retry })
      const own = messages.filter((_message, index) => index % 5 === part)
      for (let at = 0; at < own.length; at += 5) await sendAll(sender, own.slice(at, at + 5))
    })
    let drops = 0
    const breaking = setInterval(() => {
      // The last ones are waited for in peace.
      if ((drops > 0 && random() < 0.7) || handled.size > 0.8 * messages.length) return
      drops += 1
      emulator.dropConnections()
    }, 1_000)
    await Promise.all(senders)
    await all.promise
    clearInterval(breaking)
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(wrong).toEqual([])
    expect(rejected).toEqual([])
    expect([...handled].toSorted()).toEqual(messages.map(({ messageId }) => messageId).toSorted())
    // What is left is what came twice: the broker stored it again, or never heard that it was settled.
    for (const { applicationProperties } of [...look(queue).messages(), ...look(queue).deadLetters()]) {
      expect(handled.has(String(applicationProperties['qr-message-id']))).toBe(true)
    }
    expect(look(queue).deadLetters()).toEqual([])
    // The weather was bad, or this would prove little.
    expect(drops).toBeGreaterThan(0)
    for (const [point, { faults }] of WEATHER) {
      if (isFrequent(point)) expect(struck.get(point), point).toBeGreaterThanOrEqual(faults.length)
    }
  },
)
