import type { BatchOptions, CallOptions, Closable, WaitOptions } from './base/options.ts'
import type { AcceptSessionOptions } from './client-options.ts'
import type { Consumer } from './consuming/consumer.ts'
import type { ConsumeOptions, MessageHandler, ProcessOptions } from './consuming/handler.ts'
import type { Delivery } from './contracts/transport.ts'
import type { DeadLetters } from './dead-letters/dead-letters.ts'
import type { OutgoingMessage, ReceivedMessage, RejectedMessage } from './message/message.ts'
import type { Session } from './sessions/session.ts'

/** What sends. */
export interface QueueSender {
  /**
   * Validates, seals and sends one message; resolves with its id once the broker has it. An aborted send may have been sent.
   *
   * @throws Validation · Unsupported · MessageTooLarge · ReservedMarker · Configuration (a receive-only client) · what the
   *   key store and the broker report
   */
  send(message: OutgoingMessage, options?: CallOptions): Promise<{ messageId: string }>
  /**
   * Sends any number of messages; resolves with their ids in input order. All are validated and sealed before the first is
   * sent.
   * @throws BatchPartiallyFailed with one outcome per input · as `send`, with nothing sent
   */
  sendBatch(messages: readonly OutgoingMessage[], options?: CallOptions): Promise<{ messageId: string }[]>
}

/**
 * A refused message is settled and reported (`rejected`, `onRejected`, log); it never throws, never hides a good one and
 * neither ends nor extends a wait. An outage is thrown, unless a good message is at hand.
 */
export interface QueueReceiver {
  /**
   * Resolves with the next good message under a lock, or null when `waitMs` is over.
   *
   * @throws the outage that keeps messages from coming · QueueNotFound, PermissionDenied and what else the broker reports · Unsupported:
   *   the queue gives messages of sessions alone
   */
  receive(options?: WaitOptions): Promise<ReceivedMessage | null>
  /**
   * Resolves as soon as one good message is there, with all that are, up to `maxMessages`.
   *
   * @throws as `receive`
   */
  receiveBatch(options?: BatchOptions): Promise<{ messages: ReceivedMessage[]; rejected: RejectedMessage[] }>
  /**
   * Yields messages until the signal aborts or the client closes. Prefetches nothing, renews nothing, waits outages out.
   *
   * @throws what no waiting heals, such as QueueNotFound
   */
  messages(options?: CallOptions): AsyncIterable<ReceivedMessage>
}

/**
 * One queue. `close()` ends its consumers and sessions, gives back what is unsettled and closes its transport; never what it was
 * given.
 */
export interface QueueClient extends QueueSender, QueueReceiver, Closable {
  readonly queue: string
  /**
   * Handles messages as they come, `concurrency` at once, until it is closed. Locks and claims are renewed meanwhile, outages
   * waited out.
   *
   * @throws Configuration with the name of the option · ClientClosed. What happens later is told by `finished` of the consumer
   * @example
   * const consumer = client.consume(async (message) => handleOrder(message.json()), { concurrency: 10 })
   */
  consume(handler: MessageHandler, options?: ConsumeOptions): Consumer
  /**
   * Handles deliveries that a host pushed, as AWS Lambda and Azure Functions do, as `consume` handles what it pulls. Resolves when
   * all are settled, or could not be; each delivery's own methods tell the host.
   *
   * @throws the outage that lasted longer than the locks were renewed, after giving back what was held for it
   */
  process(deliveries: readonly Delivery[], handler: MessageHandler, options?: ProcessOptions): Promise<void>
  /**
   * Resolves with a session under its lock, the named one or the next that has messages; null when there is none within `waitMs`.
   *
   * @throws SessionLocked: somebody else holds the named one · Unsupported: `consume({ sessions: true })` keeps order all the same
   * @example
   * const session = await client.acceptSession({ sessionId: 'order-7' })
   */
  acceptSession(options?: AcceptSessionOptions): Promise<Session | null>
  /**
   * Returns the reader of the dead-letter queue.
   *
   * @throws Unsupported where the provider has none to read · ClientClosed
   */
  deadLetters(): DeadLetters
  /**
   * Asks the broker, once, and resolves with the number of messages in the queue where it tells. Consumes nothing.
   *
   * @throws why the queue cannot be reached, or why intake is paused · Unsupported where the provider cannot be asked
   * @example
   * const healthy = await client.health({ signal: AbortSignal.timeout(2_000) }).then(() => true, () => false)
   */
  health(options?: CallOptions): Promise<{ depth: number | undefined }>
}
