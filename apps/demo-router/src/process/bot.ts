import { setTimeout as delay } from 'node:timers/promises'
import { createQueueClient, type ReceivedMessage } from '@queue-runtime/core'
import { cachedKeyProvider } from '@queue-runtime/crypto'
import type { QueueName } from '../github/routes.ts'
import { receiverProtection } from '../protections.ts'
import { EVENT_ATTRIBUTE } from '../router.ts'
import { lookAtKeys, lookAtQueue, onlyTrouble } from './readiness.ts'
import type { Service, ServiceKind, Workshop } from './service.ts'

/** Deliveries that one bot works on at once. */
const CONCURRENCY = 4
/** Of the time that a stop may take, what is kept for closing, in milliseconds. */
const LAST_MS = 1_000

const start = async (queue: QueueName, workshop: Workshop): Promise<Service> => {
  const { settings, backends, logger, telemetry } = workshop
  const { meterProvider, tracerProvider } = telemetry
  const { keyRefreshMs, shutdownMs, variables } = settings
  const workMs = Number(variables.get('BOT_WORK_MS'))
  const keys = cachedKeyProvider(await backends.keyStore(queue), {
    ...{ logger, currentKeyTtlMs: keyRefreshMs, listTtlMs: keyRefreshMs },
    listIntervalMs: Math.min(5_000, keyRefreshMs),
  })
  const client = createQueueClient({
    ...{ provider: backends.provider, queue, logger, meterProvider, tracerProvider },
    crypto: receiverProtection(keys, settings.stance, backends.nonceStore),
  })

  /** What a bot of one's own does stands here. At least once: the same delivery may come again. */
  const handle = async (message: ReceivedMessage, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    const { action } = message.json<{ readonly action?: unknown }>()
    await delay(workMs, undefined, { signal })
    const event = message.seal?.attributes[EVENT_ATTRIBUTE] ?? message.attributes[EVENT_ATTRIBUTE]
    const fields = { queue_name: queue, message_id: message.messageId, session_id: message.sessionId }
    logger.info({ ...fields, event, action, delivery_count: message.deliveryCount }, 'Delivery handled')
  }

  const consumer = client.consume(handle, {
    concurrency: CONCURRENCY,
    sessions: backends.sessions,
    drainMs: Math.max(LAST_MS, shutdownMs - LAST_MS),
  })
  logger.info({ queue_name: queue, backends: backends.names }, 'Consuming')
  return {
    failed: consumer.finished.then(() => new Promise(() => {})),
    async look() {
      const state = consumer.state === 'running' ? undefined : consumer.state
      const [broker, key] = await Promise.all([lookAtQueue(client), lookAtKeys(keys)])
      return onlyTrouble([
        ['intake', state],
        [`queue ${queue}`, broker],
        [`keys of ${queue}`, key],
      ])
    },
    async close() {
      await client.close()
      await keys.close()
    },
  }
}

/** Reads one queue with the key of that queue alone. */
export const botService = (queue: QueueName): ServiceKind => ({
  name: queue,
  prepare: () => (workshop) => start(queue, workshop),
})
