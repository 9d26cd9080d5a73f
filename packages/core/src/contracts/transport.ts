import type { QueueError } from '../base/errors.ts'
import type { DeadLetterReason, MessageFacts } from '../message/message.ts'
import type { WireMessage } from '../message/wire.ts'

/** A message as the broker handed it out. Nothing of it is verified. */
export interface IncomingMessage extends MessageFacts {
  readonly body: Uint8Array
  /** Set where the provider could not decode what it received: the message is refused as InvalidEnvelope with this reason. */
  readonly malformed?: string | undefined
  /** When the lock ends by the local clock; moves with the delivery's `renewLock()`. */
  readonly lockedUntil: Date
  /** Why it lies in the dead-letter queue; only on messages read from there. */
  readonly deadLettered?: DeadLetterReason | undefined
}

/** One delivery of a message. Each method throws `MessageLockLost`, and changes nothing, once the lock is gone. */
export interface Delivery {
  readonly message: IncomingMessage
  /** Removes the message for good. */
  complete(): Promise<void>
  /** Makes it visible again, after `delayMs` where the transport can do that (`features.abandonDelay`). */
  abandon(options: { delayMs: number }): Promise<void>
  /**
   * Moves it, as it is, to the dead-letter queue.
   *
   * @throws Unsupported where there is none: the message stays
   */
  deadLetter(reason: DeadLetterReason): Promise<void>
  /** Extends the lock and resolves with its new end. */
  renewLock(): Promise<Date>
}

/** Where deliveries come from. `receive` is never called again before its promise has settled. */
export interface TransportReceiver {
  /**
   * Resolves as soon as at least one message is there, with at most `maxMessages`, or with none after `waitMs`. Rejects with
   * `signal.reason` soon after an abort; what arrives later stays here for the next call and is handed back on close.
   */
  receive(options: { maxMessages: number; waitMs: number; signal: AbortSignal }): Promise<Delivery[]>
  /** Ends its calls and hands back what it holds. */
  close(): Promise<void>
}

/**
 * A receiver that holds the lock of one session. Its deliveries have no lock of their own: their `lockedUntil` is the session's
 * and moves with it, their `renewLock()` renews the session, and each of their methods throws SessionLockLost once it is gone.
 */
export interface SessionTransport extends TransportReceiver {
  readonly sessionId: string
  readonly lockedUntil: Date
  /**
   * Extends the lock and resolves with its new end.
   *
   * @throws SessionLockLost once it is gone
   */
  renewLock(): Promise<Date>
}

/** What a transport can do beyond send and receive. What it cannot do is refused as Unsupported before anything is sent. */
export interface TransportFeatures {
  readonly deliverAt: boolean
  readonly timeToLive: boolean
  readonly abandonDelay: boolean
  readonly sessionIds: 'required' | 'allowed' | 'none'
}

/** One queue of one broker. A missing method is a missing feature: core answers Unsupported. */
export interface QueueTransport extends TransportReceiver {
  /** How long a fresh lock lasts, in milliseconds, where that is known before the first message. */
  readonly lockMs: number | undefined
  readonly features: TransportFeatures
  /**
   * Sends any number of messages, in order. First checks every wire size and throws MessageTooLarge with nothing sent; then
   * splits by count and bytes. Resolves with one outcome per message, in input order.
   */
  send(
    messages: readonly WireMessage[],
    options: { signal: AbortSignal },
  ): Promise<{ readonly error: QueueError | null }[]>
  /** Takes the lock of a session, a named one or the next with messages; null when there is none within `waitMs`. */
  acceptSession?(options: {
    sessionId: string | undefined
    waitMs: number
    signal: AbortSignal
  }): Promise<SessionTransport | null>
  /** Opens a receiver of the dead letters. */
  deadLetters?(): TransportReceiver
  /** Asks the broker whether the queue can be reached, without consuming anything. */
  probe?(options: { signal: AbortSignal }): Promise<{ depth: number | undefined }>
}

/** A broker. The application closes nothing of it: the last `close()` of its transports lets the connection go. */
export interface QueueProvider {
  readonly name: string
  /** Returns the transport of a queue. Checks the name; connects at first use. */
  open(queue: string): QueueTransport
}
