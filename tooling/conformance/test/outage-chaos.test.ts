import { randomBytes } from 'node:crypto'
import {
  isQueueError,
  type QueueClient,
  QueueError,
  type QueueProvider,
  type ReceivedMessage,
} from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import { changed, minutes, type OutageScene, setScene } from './outage-support.ts'
import { createRandom, type Random } from './random.ts'

/** The long run has more rounds, each with a seed of its own. */
const SCALE = Number(process.env.TEST_SCALE ?? 1)
const BATCHES = 20
const BATCH = 10
const STORMY_MS = minutes(40)

const seeds = (): number[] => {
  if (process.env.TEST_SEED !== undefined) return [Number(process.env.TEST_SEED)]
  return SCALE === 1 ? [1, 2, 3] : Array.from({ length: 3 * SCALE }, () => randomBytes(4).readUInt32BE())
}

/** A broker that is slow, and whose calls fail, before or after they did what they were asked. */
const rough = (scene: OutageScene, random: Random, isStormy: () => boolean): QueueProvider => {
  const call = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (!isStormy()) return effect()
    if (random.chance(0.1)) await scene.clock.sleep(random.below(8_000))
    const error = new QueueError('ConnectionFailed', 'down', { retryAfterMs: 1 + random.below(3_000) })
    if (random.chance(0.05)) throw error
    const answer = await effect()
    if (random.chance(0.03)) throw error
    return answer
  }
  const roughDelivery = (delivery: Delivery): Delivery => ({
    message: delivery.message,
    complete: () => call(() => delivery.complete()),
    abandon: (options) => call(() => delivery.abandon(options)),
    deadLetter: (reason) => call(() => delivery.deadLetter(reason)),
    renewLock: () => call(() => delivery.renewLock()),
  })
  return changed(scene.provider, ({ receive }) => ({
    // What was delivered to nobody would stay locked, which is the broker's matter: receives fail before they begin.
    async receive(options) {
      if (isStormy() && random.chance(0.08)) throw new QueueError('ConnectionFailed', 'down', { retryAfterMs: 1_000 })
      return (await receive(options)).map(roughDelivery)
    },
  }))
}

/** What is known of the messages. */
const createBooks = ({ clock }: OutageScene) => {
  const inHand = new Map<string, ReceivedMessage>()
  const done = new Set<string>()
  const violations: string[] = []
  let handedOver = 0
  return {
    violations,
    get handedOver() {
      return handedOver
    },
    begin(message: ReceivedMessage) {
      handedOver += 1
      const { messageId } = message
      const other = inHand.get(messageId)
      if (done.has(messageId)) violations.push(`${messageId} was handed over after it was completed`)
      if (other !== undefined && other.lockedUntil.getTime() > clock.now()) {
        violations.push(`${messageId} was handed over twice at once`)
      }
      inHand.set(messageId, message)
    },
    end: (message: ReceivedMessage) =>
      void (inHand.get(message.messageId) === message && inHand.delete(message.messageId)),
    complete(message: ReceivedMessage) {
      if (done.has(message.messageId)) violations.push(`${message.messageId} was completed twice`)
      done.add(message.messageId)
    },
  }
}

type Books = ReturnType<typeof createBooks>

/** An application that does with its messages whatever comes to its mind, for a while; then it closes its client. */
async function useClient(scene: OutageScene, client: QueueClient, random: Random, books: Books): Promise<void> {
  const { clock } = scene
  const taken: ReceivedMessage[] = []

  const complete = async (message: ReceivedMessage): Promise<void> => {
    for (let tries = 0; tries < 5; tries += 1) {
      try {
        await message.complete()
        books.complete(message)
        return
      } catch (error) {
        if (!isQueueError(error) || !error.isTransient) return
        await clock.sleep(500)
      }
    }
  }

  const take = (message: ReceivedMessage): void => {
    books.begin(message)
    taken.push(message)
  }

  const handle = async (message: ReceivedMessage): Promise<void> => {
    const act = random.below(10)
    if (act < 6) await complete(message)
    else if (act < 7) await message.abandon({ delayMs: random.below(2) * 3_000 }).catch(() => {})
    else if (act < 8)
      await message.renewLock().then(
        () => complete(message),
        () => {},
      )
    else if (act < 9) {
      await clock.sleep(random.below(60_000))
      await complete(message)
    } else return
    books.end(message)
  }

  const takeOnce = async (): Promise<void> => {
    const stop = new AbortController()
    const { signal } = stop
    const way = random.below(3)
    // An iteration has no end of its own.
    const isAborted = way === 2 || random.chance(0.3)
    const aborting = isAborted ? clock.sleep(random.below(25_000)).then(() => stop.abort()) : undefined
    try {
      if (way === 0) {
        const message = await client.receive({ waitMs: random.below(20_000), signal })
        if (message !== null) take(message)
        if (message !== null) await handle(message)
      } else if (way === 1) {
        const { messages } = await client.receiveBatch({ waitMs: random.below(20_000), maxMessages: 5, signal })
        messages.forEach(take)
        for (const message of messages) await handle(message)
      } else {
        let left = random.below(5)
        for await (const message of client.messages({ signal })) {
          take(message)
          await handle(message)
          left -= 1
          if (left <= 0) break
        }
      }
    } catch (error) {
      const retryAfterMs = isQueueError(error) ? error.retryAfterMs : undefined
      await clock.sleep(Math.min(5_000, retryAfterMs ?? 500))
    }
    stop.abort()
    await aborting
  }

  const end = clock.now() + random.below(minutes(8))
  // Two at a time share the client.
  const loop = async (): Promise<void> => {
    while (clock.now() < end) await takeOnce()
  }
  await Promise.all([loop(), loop()])
  taken.forEach(books.end)
  await client.close()
}

async function sendNowAndThen({ clock, fill }: OutageScene): Promise<void> {
  for (let batches = 0; batches < BATCHES; batches += 1) {
    await fill(BATCH)
    await clock.sleep(STORMY_MS / BATCHES)
  }
}

/** The stores go down and come back, each by itself. */
async function stirUp(
  { clock, keyStore, nonces }: OutageScene,
  random: Random,
  isStormy: () => boolean,
): Promise<void> {
  while (isStormy()) {
    const store = random.pick([keyStore, nonces])
    await clock.sleep(random.below(minutes(2)))
    store.isDown = random.chance(0.5) ? true : 'after the effect'
    await clock.sleep(random.pick([2_000, 20_000, minutes(2), minutes(7)]))
    store.isDown = false
  }
}

describe('receive(), receiveBatch() and messages() while stores, broker, calls and clients come and go', () => {
  it.each(seeds())(
    'seed %i: every message is completed once, none is handed over to two at once or after that, and nothing stays behind (I1, I2, I5)',
    async (seed) => {
      const random = createRandom(seed)
      const scene = setScene({}, 1_000_000)
      const { clock } = scene
      const begun = clock.now()
      const isStormy = (): boolean => clock.now() < begun + STORMY_MS
      const books = createBooks(scene)
      const provider = rough(scene, random, isStormy)
      const apps = Array.from({ length: 3 }, async () => {
        while (isStormy() || scene.stored().length > 0) {
          await useClient(scene, scene.client({ provider, retry: { jitter: 0.2 } }), random, books)
        }
      })
      const all = Promise.all([sendNowAndThen(scene), stirUp(scene, random, isStormy), ...apps])
      let isOver = false
      const over = all.then(() => {
        isOver = true
      })
      for (let passed = 0; !isOver && passed < 300; passed += 1) await clock.advance(minutes(1))
      await over
      expect([books.violations, scene.stored(), scene.queue.deadLetters()]).toEqual([[], [], []])
      expect(clock.sleepers).toBe(0)
      // It was bad weather indeed.
      const outages = scene.lines.filter(({ text }) => text === 'Outage: intake pauses').length
      expect([outages > 5, books.handedOver > BATCHES * BATCH * 1.2]).toEqual([true, true])
    },
  )
})
