import { createQueueClient, type QueueClient } from '@queue-runtime/core'
import { type CachedKeyProvider, cachedKeyProvider } from '@queue-runtime/crypto'
import { createCounters } from '../counters.ts'
import { perQueue, QUEUES, type QueueName, ROUTES } from '../github/routes.ts'
import { githubSessions } from '../github/sessions.ts'
import { senderProtection } from '../protections.ts'
import { createRouter } from '../router.ts'
import { createServer, WEBHOOK_PATH } from '../server.ts'
import { measureRequests } from '../telemetry/requests.ts'
import { tracedRouter } from '../telemetry/traced-router.ts'
import { lookAtKeys, lookAtQueue, onlyTrouble } from './readiness.ts'
import type { Service, ServiceKind, Workshop } from './service.ts'
import { addressOf, type Settings } from './settings.ts'

/** GitHub waits 10 s for an answer (requirements DR6). */
const RETRY_MS = 8_000

/** One queue, as the router reaches it. */
interface Outlet {
  readonly queue: QueueName
  readonly keys: CachedKeyProvider
  readonly client: QueueClient
}

const openOutlet = async (queue: QueueName, workshop: Workshop): Promise<Outlet> => {
  const { backends, logger, settings, telemetry } = workshop
  const { meterProvider, tracerProvider } = telemetry
  const { keyRefreshMs: currentKeyTtlMs } = settings
  const keys = cachedKeyProvider(await backends.keyStore(queue), { logger, currentKeyTtlMs })
  const client = createQueueClient({
    ...{ provider: backends.provider, queue, logger, meterProvider, tracerProvider },
    crypto: senderProtection(keys, settings.stance),
    retry: { totalMs: RETRY_MS },
  })
  return { queue, keys, client }
}

const start = async (workshop: Workshop, secret: string): Promise<Service> => {
  const { settings, backends, logger, telemetry } = workshop
  const { variables } = settings
  const outlets = await Promise.all(QUEUES.map((queue) => openOutlet(queue, workshop)))
  const clientOf = new Map(outlets.map(({ queue, client }) => [queue, client]))
  const senders = perQueue((queue) => clientOf.get(queue) as QueueClient)
  const counters = createCounters()
  const previousSecret = variables.get('GITHUB_WEBHOOK_SECRET_PREVIOUS')
  const router = createRouter({
    ...{ secret, routes: ROUTES, sessions: githubSessions, senders, logger },
    ...(previousSecret !== undefined && { previousSecret }),
  })
  const { tracerProvider } = telemetry
  const app = createServer({
    router: tracerProvider === undefined ? router : tracedRouter(router, WEBHOOK_PATH, tracerProvider),
    ...{ counters, logger, bodyLimit: backends.maxBodyBytes },
    guessesPerMinute: Number(variables.get('GUESSES_PER_MINUTE')),
    maxConnections: Number(variables.get('MAX_CONNECTIONS')),
    trustedProxies: variables.get('TRUSTED_PROXIES')?.split(',') ?? [],
  })
  measureRequests(app, WEBHOOK_PATH, { counters, meterProvider: telemetry.meterProvider })

  const close = async (): Promise<void> => {
    // Once closed, Node no longer ends connections over their limits: one that sends half a request would stay for ever.
    const patience = setTimeout(() => app.server.closeAllConnections(), settings.shutdownMs / 2).unref()
    await app.close()
    clearTimeout(patience)
    await Promise.all(outlets.map(({ client }) => client.close()))
    await Promise.all(outlets.map(({ keys }) => keys.close()))
  }
  const url = await app.listen({ ...addressOf(variables, 'HOST', 'PORT') }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  logger.info({ webhooks: url + WEBHOOK_PATH, backends: backends.names }, 'Listening')
  return {
    failed: new Promise(() => {}),
    async look() {
      const looks = outlets.map(async ({ queue, client, keys }) => [
        [`queue ${queue}`, await lookAtQueue(client)] as const,
        [`keys of ${queue}`, settings.stance.seals ? await lookAtKeys(keys) : undefined] as const,
      ])
      return onlyTrouble((await Promise.all(looks)).flat())
    },
    close,
  }
}

/** Takes GitHub's webhooks and sends each to the queue of its bot. */
export const routerService: ServiceKind = {
  name: 'router',
  prepare({ variables }: Settings) {
    const secret = variables.require('GITHUB_WEBHOOK_SECRET', 'the router')
    return (workshop) => start(workshop, secret)
  },
}
