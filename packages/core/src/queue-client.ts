import type { BatchOptions, CallOptions, Closable, WaitOptions } from './base/options.ts'
import type { ConsumeOptions, Consumer } from './consuming/consumer.ts'
import type { MessageHandler } from './consuming/handling.ts'
import type { DeadLetters } from './dead-letters/dead-letters.ts'
import type { OutgoingMessage, ReceivedMessage, RejectedMessage } from './message/message.ts'

export interface QueueSender {
  /**
   * Validates, seals and sends one message; resolves with its id once the broker has it. An aborted send may have been sent.
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
  /** Resolves with the next good message under a lock, or null when `waitMs` is over. */
  receive(options?: WaitOptions): Promise<ReceivedMessage | null>
  /** Resolves as soon as one good message is there, with all that are, up to `maxMessages`. */
  receiveBatch(options?: BatchOptions): Promise<{ messages: ReceivedMessage[]; rejected: RejectedMessage[] }>
  /** Yields messages until the signal aborts or the client closes. Prefetches nothing, renews nothing, waits outages out. */
  messages(options?: CallOptions): AsyncIterable<ReceivedMessage>
}

/** One queue. `close()` ends its consumers, gives back what is unsettled and closes its transport; never what it was given. */
export interface QueueClient extends QueueSender, QueueReceiver, Closable {
  readonly queue: string
  /**
   * Handles messages as they come, `concurrency` at once, until it is closed.
   *
   * @example
   * const consumer = client.consume(async (message) => handleOrder(message.json()), { concurrency: 10 })
   */
  consume(handler: MessageHandler, options?: ConsumeOptions): Consumer
  /** @throws Unsupported where the provider has no dead-letter queue to read */
  deadLetters(): DeadLetters
}
