import { randomBytes } from 'node:crypto'
import {
  createQueueClient,
  type Logger,
  type MessageFacts,
  type QueueClient,
  type QueueProvider,
  type ReceivedMessage,
} from '@queue-runtime/core'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { type Bots, startBots } from '../bots.ts'
import { type Copies, createCopies } from '../broker/copies.ts'
import { type WatchedProvider, watchedProvider } from '../broker/watched-provider.ts'
import { type SkippingClock, skippingClock } from '../clock.ts'
import { type Counters, createCounters } from '../counters.ts'
import { perQueue, QUEUES, type QueueName, ROUTES, type Route } from '../github/routes.ts'
import { githubSessions } from '../github/sessions.ts'
import { generateKeys, type Protection } from '../keys.ts'
import type { Place } from '../place.ts'
import { createRouter } from '../router.ts'
import { createServer, WEBHOOK_PATH } from '../server.ts'
import { serveView } from '../view/serve.ts'
import type { ViewState } from '../view/state.ts'
import type { Observer } from './observer.ts'

/** Where tests put something broken, to see that the demo notices. */
export interface Seams {
  readonly routes?: readonly Route[]
  /** Stands between clients and broker. */
  readonly provider?: (provider: QueueProvider) => QueueProvider
  /** What the bots open messages with. */
  readonly botProtection?: (own: Protection) => Protection
  /** What a bot takes for the body. */
  readonly bytesRead?: (message: ReceivedMessage) => Uint8Array
}

export interface HouseOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly logger: Logger
  readonly observer: Required<Observer>
  /** What `/state.json` shows. */
  readonly state: () => ViewState
  readonly seams?: Seams
}

/** Router, broker and bots in one process, on one clock. */
export interface House {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly webhookUrl: string
  readonly secret: string
  readonly clock: SkippingClock
  /** What lies at the broker. */
  readonly copies: Copies
  /** The broker itself, nothing broken put in between. */
  readonly provider: WatchedProvider
  readonly counters: Counters
  startBots(): Bots
  /** Stops taking requests and closes the router's clients. Whoever started bots closes them. */
  close(): Promise<void>
}

/** What the memory provider takes, body and fields together. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024
/** More than the envelope (at most 175 bytes), ids, session and attributes of a delivery of GitHub add to its body. */
const OVERHEAD_BYTES = 1024

const LOCALHOST = '127.0.0.1'

/** How long requests that are under way may take to end when the house closes, in milliseconds. */
const LAST_REQUESTS_MS = 1_000

/** GitHub waits 10 s for an answer (requirements DR6). */
const RETRY_MS = 8_000

/** Starts the broker and the router, not the bots. Rejects where the port is taken. */
export async function openHouse({ port, logger, observer, state, seams = {} }: HouseOptions): Promise<House> {
  const clock = skippingClock()
  const secret = randomBytes(32).toString('hex')
  const keys = generateKeys()
  const broker = memoryBroker({
    clock,
    queues: QUEUES,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  })
  const copies = createCopies()
  const watched = watchedProvider(memoryProvider({ broker }), { copies, observer, isRealTime: false })
  const provider = seams.provider?.(watched) ?? watched
  const counters = createCounters()
  const placeOf = (queue: QueueName, { brokerMessageId }: MessageFacts): Place =>
    copies.find(queue, brokerMessageId) ?? { queue, key: brokerMessageId }

  const senders = perQueue(
    (queue): QueueClient =>
      createQueueClient({ provider, queue, clock, logger, crypto: keys[queue].router, retry: { totalMs: RETRY_MS } }),
  )
  const routes = seams.routes ?? ROUTES
  const app = createServer({
    router: createRouter({ secret, routes, sessions: githubSessions, senders, logger }),
    bodyLimit: MAX_MESSAGE_BYTES - OVERHEAD_BYTES,
    ...{ counters, logger },
  })
  serveView(app, state)

  const close = async (): Promise<void> => {
    // Once closed, Node no longer ends connections over their limits: one that sends half a request would stay for ever.
    const patience = setTimeout(() => app.server.closeAllConnections(), LAST_REQUESTS_MS)
    await app.close()
    clearTimeout(patience)
    await Promise.all(Object.values(senders).map((sender) => sender.close()))
  }
  const url = await app.listen({ host: LOCALHOST, port }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    ...{ url, secret, clock, copies, provider: watched, counters, close },
    webhookUrl: url + WEBHOOK_PATH,
    startBots: () =>
      startBots({
        ...{ provider, clock, logger },
        protections: perQueue((queue) => seams.botProtection?.(keys[queue].bot) ?? keys[queue].bot),
        onRead: (queue, message) =>
          observer.read(placeOf(queue, message), message, seams.bytesRead?.(message) ?? message.body),
        onRejected: (queue, rejected) => observer.rejected(placeOf(queue, rejected), rejected),
      }),
  }
}
