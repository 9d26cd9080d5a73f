import { describe, expect, it } from 'vitest'
import { type Disposition, type MessageHandler, QueueError } from '../src/index.ts'
import { heldFor, protectionOf, setScene } from './consuming-support.ts'
import type { SmallBrokerOptions } from './small-broker.ts'

const SCALE = Number(process.env.TEST_SCALE ?? 1)
const SEEDS = Array.from({ length: 25 * SCALE }, (_, index) => index + 1)
const SESSIONS = ['a', 'b', 'c', 'd']

/** Mulberry32. */
const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const DISPOSITIONS: readonly (Disposition | undefined)[] = [
  undefined,
  { action: 'abandon', delayMs: 0 },
  { action: 'abandon', delayMs: 3_000 },
  { action: 'complete' },
  { action: 'dead-letter', reason: 'app' },
  { action: 'hold' },
]

const FAULTS: readonly (() => QueueError)[] = [
  () => new QueueError('ConnectionFailed', 'down', { retryAfterMs: 500 }),
  () => new QueueError('Timeout', 'late'),
  () => new QueueError('PermissionDenied', 'no'),
]

/** Two consumers, a broker that fails at random, and handlers that do anything. */
const run = async (seed: number, options: Omit<SmallBrokerOptions, 'clock' | 'before'>): Promise<void> => {
  const random = randomOf(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  let isCalm = false
  const wrong: string[] = []
  const scene = setScene(
    {
      ...options,
      async before({ operation, sessionId }) {
        if (isCalm) return
        if (random() < 0.3) await scene.clock.sleep(Math.floor(random() * 300))
        // What cannot heal at the source would end the consumer, as it should.
        const isSource = operation === 'acceptSession' || (operation === 'receive' && sessionId === undefined)
        if (random() < 0.05) throw isSource ? FAULTS[0]?.() : pick(FAULTS)()
      },
    },
    {
      crypto: protectionOf((text) => {
        if (isCalm || random() > 0.03) return undefined
        const delayMs = pick([0, 2_000])
        const error = new QueueError('KeyNotFound', 'no key', { facts: { keyId: text } })
        return random() < 0.5 ? heldFor() : { error, disposition: { action: 'abandon', delayMs } }
      }),
    },
  )
  const { broker, clock, another } = scene
  const running = new Map<string, AbortSignal>()
  const stolen = new Set<string>()

  const handler: MessageHandler = async (message, { signal }) => {
    const { sessionId = '', deliveryCount } = message
    const text = message.text()
    const other = running.get(sessionId)
    // Both may learn in the same millisecond that a lock ended.
    if (other !== undefined && !other.aborted) {
      void clock.sleep(1).then(() => {
        if (!other.aborted) wrong.push(`${text} beside another of its session`)
      })
    }
    if (broker.left.find((left) => left.startsWith(sessionId)) !== text) wrong.push(`${text} before an earlier one`)
    // Of a session that was stolen nobody knows before the next renewal.
    if (!broker.locked.includes(text) && !stolen.has(sessionId)) wrong.push(`${text} without its lock`)
    if (broker.deliveries.get(text) !== deliveryCount) wrong.push(`${text} though it was delivered again`)
    if (signal.aborted) wrong.push(`${text} with an aborted signal`)
    running.set(sessionId, signal)
    const leave = (): void => {
      if (running.get(sessionId) === signal) running.delete(sessionId)
    }
    try {
      if (random() < 0.5) await clock.sleep(Math.floor(random() * 2_000))
      if (random() < 0.02) await clock.sleep(90_000)
      if (isCalm) return
      // Who settles by hand lets the next one begin before the handler ends.
      if (random() < 0.2) leave()
      if (!running.has(sessionId) && random() < 0.7) await message.complete()
      if (!running.has(sessionId)) await message.abandon()
      if (random() < 0.2) throw new Error('failed')
    } finally {
      leave()
    }
  }

  const clients = [another(), another()]
  const start = (client = pick(clients)) =>
    client.consume(handler, {
      sessions: true,
      concurrency: 1 + Math.floor(random() * 4),
      drainMs: 1_000,
      maxAutoRenewMs: pick([0, 40_000, 300_000]),
      onError: () => (isCalm ? undefined : pick(DISPOSITIONS)),
    })

  let put = 0
  let consumers = [start(clients[0]), start(clients[1])]
  for (let round = 0; round < 40; round += 1) {
    for (let count = 0; count < 4; count += 1) {
      const sessionId = pick(SESSIONS)
      broker.put(`${sessionId}${String(put).padStart(4, '0')}`, sessionId)
      put += 1
    }
    await clock.advance(Math.floor(random() * 3_000))
    if (options.sessions === 'accept' && random() < 0.05) {
      const sessionId = pick(SESSIONS)
      broker.steal(sessionId)
      stolen.add(sessionId)
    }
    if (random() < 0.2) {
      const [first, second] = consumers
      void first?.close()
      consumers = [second ?? start(), start()]
    }
  }
  isCalm = true
  await clock.advance(900_000)
  const closing = Promise.all(clients.map((client) => client.close()))
  await clock.advance(5_000)
  await closing
  expect(wrong).toEqual([])
  expect([broker.left, broker.locked, broker.lockedSessions, broker.violations, clock.sleepers]).toEqual([
    [],
    [],
    [],
    [],
    0,
  ])
  expect(broker.completed.length + broker.letters.length).toBe(put)
}

describe.each<Omit<SmallBrokerOptions, 'clock' | 'before'>>([
  { sessions: 'accept', abandonDelay: true },
  { sessions: 'accept', abandonDelay: false },
  { sessions: 'groups', abandonDelay: true },
  { sessions: 'groups', abandonDelay: false },
])('consumers of sessions at a broker that fails at random ($sessions, delayed abandon: $abandonDelay)', (options) => {
  it.each(SEEDS)('lose no message and no order, and leave no lock (C15, C21, issue 4); seed %i', async (seed) => {
    await run(seed, options)
  })
})
