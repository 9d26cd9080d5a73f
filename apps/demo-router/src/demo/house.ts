import { randomBytes } from 'node:crypto'
import { trace } from '@opentelemetry/api'
import {
  createQueueClient,
  type Logger,
  type MessageFacts,
  type QueueProvider,
  type ReceivedMessage,
  type RejectedMessage,
} from '@queue-runtime/core'
import type { NonceStore } from '@queue-runtime/crypto'
import type { FastifyInstance } from 'fastify'
import { type Bots, startBots } from '../bots.ts'
import { type Copies, createCopies } from '../broker/copies.ts'
import { type WatchedProvider, watchedProvider } from '../broker/watched-provider.ts'
import type { SkippingClock } from '../clock.ts'
import { type Counters, createCounters } from '../counters.ts'
import type { OutageName } from '../dashboard/events.ts'
import { perQueue, type QueueName, ROUTES, type Route } from '../github/routes.ts'
import { githubSessions } from '../github/sessions.ts'
import type { Protection } from '../keys.ts'
import { createQueueKeys, type KeyShelf, type QueueKeys } from '../lab/queue-keys.ts'
import { type ReplaceableSender, replaceableSender } from '../lab/senders.ts'
import { createSwitch, type Switch, switchedKeys, switchedNonces, switchedProvider } from '../lab/switches.ts'
import type { Place } from '../place.ts'
import { receiverProtection, STRICT, senderProtection } from '../protections.ts'
import { createRouter } from '../router.ts'
import { createServer, WEBHOOK_PATH } from '../server.ts'
import { tracedRouter } from '../telemetry/traced-router.ts'
import type { Ground } from './ground.ts'
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
  /** What it stands on. Whoever opened it closes it. */
  readonly ground: Ground
  readonly logger: Logger
  readonly observer: Required<Observer>
  readonly seams?: Seams
  /** Adds routes before the server listens. */
  readonly serve?: (app: FastifyInstance) => void
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
  /** The broker as clients reach it. */
  readonly clientProvider: QueueProvider
  readonly senders: Readonly<Record<QueueName, ReplaceableSender>>
  readonly keys: Readonly<Record<QueueName, QueueKeys>>
  readonly nonceStore: NonceStore
  readonly powers: Readonly<Record<OutageName, Switch>>
  readonly botProtection: (own: Protection) => Protection
  readonly onRead: (queue: QueueName, message: ReceivedMessage) => void
  readonly onRejected: (queue: QueueName, rejected: RejectedMessage) => void
  startBots(): Bots
  /** Stops taking requests and closes the router's clients. Whoever started bots closes them. */
  close(): Promise<void>
}

const LOCALHOST = '127.0.0.1'

/** How long requests that are under way may take to end when the house closes, in milliseconds. */
const LAST_REQUESTS_MS = 1_000

/** GitHub waits 10 s for an answer (requirements DR6). */
const RETRY_MS = 8_000

/** The key store of each queue, with what an operator does to it. */
const shelvesOf = async ({ backends, operatorOf }: Ground): Promise<Readonly<Record<QueueName, KeyShelf>>> => {
  const open = async (queue: QueueName): Promise<KeyShelf> => {
    const store = await backends.keyStore(queue)
    const { create, promote } = operatorOf(queue)
    return { ...store, validKeyIds: async () => (await store.validKeyIds?.()) ?? [], create, promote }
  }
  const [tactician, warden, sentinel] = await Promise.all([
    open('task-tactician'),
    open('merge-warden'),
    open('spec-sentinel'),
  ])
  return { 'task-tactician': tactician, 'merge-warden': warden, 'spec-sentinel': sentinel }
}

/** Starts the router, not the bots. Rejects where the port is taken. */
export async function openHouse({ port, ground, logger, observer, serve, seams = {} }: HouseOptions): Promise<House> {
  const { clock, backends, isRealTime } = ground
  const secret = randomBytes(32).toString('hex')
  const powers = { broker: createSwitch(), keys: createSwitch(), nonces: createSwitch() }
  const shelves = await shelvesOf(ground)
  const keys = perQueue((queue) =>
    createQueueKeys({
      shelf: shelves[queue],
      reached: (store) => switchedKeys(store, powers.keys),
      ...{ clock, logger },
    }),
  )
  const nonceStore = switchedNonces(backends.nonceStore, powers.nonces)
  const copies = createCopies()
  const watched = watchedProvider(backends.provider, { copies, observer, isRealTime })
  const provider = switchedProvider(seams.provider?.(watched) ?? watched, powers.broker)
  const counters = createCounters()
  const placeOf = (queue: QueueName, { brokerMessageId }: MessageFacts): Place =>
    copies.find(queue, brokerMessageId) ?? { queue, key: brokerMessageId }

  const senders = perQueue(
    (queue): ReplaceableSender =>
      replaceableSender(
        createQueueClient({
          ...{ provider, queue, clock, logger, retry: { totalMs: RETRY_MS } },
          crypto: senderProtection(keys[queue].router, STRICT),
        }),
      ),
  )
  const botProtection = (own: Protection): Protection => seams.botProtection?.(own) ?? own
  const onRead = (queue: QueueName, message: ReceivedMessage): void =>
    observer.read(placeOf(queue, message), message, seams.bytesRead?.(message) ?? message.body)
  const onRejected = (queue: QueueName, rejected: RejectedMessage): void =>
    observer.rejected(placeOf(queue, rejected), rejected)
  const routes = seams.routes ?? ROUTES
  const app = createServer({
    router: tracedRouter(
      createRouter({ secret, routes, sessions: githubSessions, senders, logger }),
      WEBHOOK_PATH,
      trace.getTracerProvider(),
    ),
    bodyLimit: backends.maxBodyBytes,
    ...{ counters, logger },
  })
  serve?.(app)

  const close = async (): Promise<void> => {
    // Once closed, Node no longer ends connections over their limits: one that sends half a request would stay for ever.
    const patience = setTimeout(() => app.server.closeAllConnections(), LAST_REQUESTS_MS)
    await app.close()
    clearTimeout(patience)
    await Promise.all(Object.values(senders).map((sender) => sender.close()))
    await Promise.all(Object.values(keys).map((own) => own.close()))
  }
  const url = await app.listen({ host: LOCALHOST, port }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    ...{ url, secret, clock, copies, provider: watched, clientProvider: provider, counters, close },
    ...{ senders, keys, nonceStore, powers, botProtection, onRead, onRejected },
    webhookUrl: url + WEBHOOK_PATH,
    startBots: () =>
      startBots({
        ...{ provider, clock, logger, onRead, onRejected },
        protections: perQueue((queue) => botProtection(receiverProtection(keys[queue].bot, STRICT, nonceStore))),
      }),
  }
}
