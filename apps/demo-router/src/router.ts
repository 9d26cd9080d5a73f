import type { IncomingHttpHeaders } from 'node:http'
import { isQueueError, type Logger, type QueueSender } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { type QueueName, queueOf, type Route } from './github/routes.ts'
import type { SessionStrategy } from './github/sessions.ts'
import { type Refusal, readWebhook } from './github/webhook.ts'

/** The attribute that carries the event's name; the tag covers it. */
export const EVENT_ATTRIBUTE = 'github-event'

/** GitHub gives up after 10 s: by then it must have its answer. */
const SEND_TIMEOUT_MS = 8_000

/** What became of one request. */
export type Outcome =
  | { readonly status: 'sent'; readonly queue: QueueName; readonly messageId: string }
  | { readonly status: 'ignored' }
  | { readonly status: 'refused'; readonly refusal: Refusal }

export interface RouterOptions {
  readonly secret: string
  /** The secret before, which GitHub may still sign with while it changes. */
  readonly previousSecret?: string
  readonly routes: readonly Route[]
  readonly sessions: SessionStrategy
  readonly senders: Readonly<Record<QueueName, Pick<QueueSender, 'send'>>>
  readonly logger: Logger
}

/** Takes one request and says what became of it. Rejects on what nobody foresaw. */
export type Router = (headers: IncomingHttpHeaders, body: Buffer) => Promise<Outcome>

const refused = (refusal: Refusal): Outcome => ({ status: 'refused', refusal })

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError'

/** Returns the way from a request to a queue: check, route, send. The body that is sent is the one that was signed. */
export function createRouter(options: RouterOptions): Router {
  const { secret, previousSecret, routes, sessions, senders, logger } = options
  const secrets = previousSecret === undefined ? [secret] : [secret, previousSecret]
  return async (headers, body) => {
    const webhook = await readWebhook(secrets, headers, body)
    if ('refusal' in webhook) return refused(webhook.refusal)
    const queue = queueOf(routes, webhook)
    if (queue === undefined) return { status: 'ignored' }
    try {
      const { messageId } = await senders[queue].send(
        {
          body: webhook.body,
          messageId: webhook.deliveryId,
          correlationId: webhook.deliveryId,
          sessionId: sessions(webhook),
          contentType: 'application/json',
          attributes: { [EVENT_ATTRIBUTE]: webhook.name },
        },
        { signal: AbortSignal.timeout(SEND_TIMEOUT_MS) },
      )
      return { status: 'sent', queue, messageId }
    } catch (error) {
      if (isQueueError(error, 'MessageTooLarge')) return refused('too-large')
      const isTransient = isTimeout(error) || (isQueueError(error) && error.isTransient)
      if (!isTransient) throw error
      logger.warn(
        { queue_name: queue, operation: 'send', message_id: webhook.deliveryId, error_type: errorClass(error) },
        'A delivery could not be sent and was answered 503',
      )
      return refused('unavailable')
    }
  }
}
