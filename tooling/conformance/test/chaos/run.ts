import type { MessageHandler } from '@queue-runtime/core'
import { keepConsuming, sendAll, stirUp } from './actors.ts'
import { createBooks } from './books.ts'
import { type ChaosOptions, HOUR_MS, setTheScene } from './scene.ts'
import type { Weather } from './weather.ts'

export interface ChaosReport {
  /** Sent, gone from the queue, neither handled nor a dead letter. */
  readonly lost: string[]
  /** Handed over after the envelope had been marked as handled. */
  readonly handledAfterConfirm: string[]
  /** Handed over before one that had been sent earlier in its session was done with. */
  readonly overtaken: string[]
  /** Still in the queue after an hour of good weather. */
  readonly stuck: number
  readonly lockedAfterClose: number
  readonly deadLetters: Readonly<Record<string, number>>
  readonly handled: number
  readonly handlings: number
  /** How long the weather was bad. */
  readonly stormMs: number
  readonly stops: Readonly<Record<'closed' | 'crashed', number>>
  readonly copies: number
  readonly weather: Weather['counts']
}

const CONSUMERS = 4

const countBy = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Runs sealed messages through four consumers while everything around them fails; all of it follows from the seed. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const scene = setTheScene(options)
  const { clock, weather, queue } = scene
  const books = createBooks(scene)
  const stops = { closed: 0, crashed: 0 }
  let isStormy = true
  let copies = 0
  const isOver = (): boolean => !isStormy

  const consuming = Array.from({ length: CONSUMERS }, () => keepConsuming(scene, books, isOver, stops))
  const stirring = stirUp(scene, isOver, () => {
    copies += 1
  })
  let isSent = false
  const sending = sendAll(scene, books, options.messages).then(() => {
    isSent = true
  })
  while (!isSent) await clock.advance(1_000)
  await sending
  // The weather is bad until nearly all is through: what is left for good weather shows nothing.
  const nearlyAll = options.messages * 0.98
  for (let waited = 0; books.done.size < nearlyAll && waited < 2 * HOUR_MS; waited += 10_000)
    await clock.advance(10_000)
  const stormMs = clock.now() - Date.UTC(2026, 0, 1)
  isStormy = false
  weather.clearUp()
  await clock.advance(120_000)
  await Promise.all([...consuming, stirring])

  const last = scene.client({ isDead: false })
  const handler: MessageHandler = (message) => {
    books.begin(message)
    books.finish(message.messageId)
  }
  const consumer = last.consume(handler, { concurrency: 8, sessions: options.sessions })
  for (let waited = 0; queue.messages().length > 0 && waited < HOUR_MS; waited += 10_000) await clock.advance(10_000)
  const stuck = queue.messages().length
  const closing = consumer.close()
  await clock.advance(60_000)
  await closing
  await last.close()

  const letters = new Map(queue.deadLetters().map(({ messageId, deadLettered }) => [messageId, deadLettered?.reason]))
  const { handled, sent, handledAfterConfirm, overtaken, handlings } = books
  const waiting = new Set(queue.messages().map(({ messageId }) => messageId))
  return {
    lost: [...sent.keys()].filter((id) => !handled.has(id) && !letters.get(id) && !waiting.has(id)),
    handledAfterConfirm,
    overtaken,
    stuck,
    lockedAfterClose: queue.messages().filter(({ state }) => state === 'locked').length,
    deadLetters: countBy([...letters.values()].map(String)),
    handled: handled.size,
    stormMs,
    ...{ handlings, stops, copies, weather: weather.counts },
  }
}
