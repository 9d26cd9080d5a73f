import type { QueueError } from '../base/errors.ts'
import type { Options } from '../base/options.ts'

/**
 * What may stand beside a body. `messageId` (default: a random UUID v4) is authenticated when the body is sealed and is, on
 * first send, the broker's deduplication id. All of it is readable at the broker.
 *
 * - `messageId`: 1–128 printable ASCII characters without space
 * - `sessionId`: 1–128 printable ASCII characters
 * - `correlationId`: up to 256 characters; `''` counts as absent, since brokers do not tell the two apart
 * - `contentType`: up to 256 printable ASCII characters
 * - `attributes`: names of `[A-Za-z0-9_.-]{1,128}` and string values; names that the library uses itself are refused
 * - `timeToLiveMs`: a whole number of milliseconds, at least 1
 * - `deliverAt`: when the message may first be received
 */
export interface MessageFields
  extends Options<{
    messageId: string
    sessionId: string
    correlationId: string
    contentType: string
    attributes: Readonly<Record<string, string>>
    timeToLiveMs: number
    deliverAt: Date
  }> {}

/**
 * Bytes are borrowed until the promise of `send` settles; a string is sent as UTF-8; `json` is stringified and sets
 * `contentType` to `application/json` unless one is given.
 */
export type OutgoingMessage = MessageFields &
  (
    | { readonly body: Uint8Array | string; readonly json?: undefined }
    | { readonly json: unknown; readonly body?: undefined }
  )

/** What the tag proved beside body, messageId, sessionId and correlationId. All else on a message is the broker's word. */
export interface Seal {
  readonly keyId: string
  readonly encryptedAt: Date
  readonly audience: string | undefined
  readonly attributes: Readonly<Record<string, string>>
}

/** A body and what proves it. `seal` is null for a message that was sent as plaintext: nothing of it is proven. */
export interface Content {
  /** Has an ArrayBuffer of its own: nothing else can be reached through `body.buffer`. */
  readonly body: Uint8Array
  readonly seal: Seal | null
  /**
   * Returns the body decoded as UTF-8.
   * @throws InvalidBody where the body is not UTF-8
   */
  text(): string
  /**
   * Returns the body parsed as JSON. That it is a `T` is asserted, not checked.
   * @throws InvalidBody where the body is not JSON; the error never quotes the text
   */
  json<T = unknown>(): T
}

/** What is known of a message without opening it. Of a sealed message the tag proves messageId, sessionId and correlationId. */
export interface MessageFacts {
  /** The sender's id. The broker's own is `brokerMessageId`. */
  readonly messageId: string
  readonly brokerMessageId: string
  readonly sessionId: string | undefined
  readonly correlationId: string | undefined
  readonly contentType: string | undefined
  readonly attributes: Readonly<Record<string, string>>
  /** 1 on the first delivery, on every provider. */
  readonly deliveryCount: number
  readonly enqueuedAt: Date | undefined
}

/** Why a message was set aside. Readable at the broker: it never holds the text of an application's error. */
export interface DeadLetterReason {
  readonly reason: string
  readonly description?: string | undefined
}

/**
 * A message under a lock. It settles once: with `complete`, `abandon` or `deadLetter`; disposing an unsettled one abandons it.
 * Its inspect output and its JSON hold no body.
 *
 * Settling throws `AlreadySettled` the second time, `MessageLockLost` once the lock is gone (another receiver may have the
 * message by then), `ClientClosed` after the client released it, and what the provider throws; after an outage it may be
 * tried again.
 */
export interface ReceivedMessage extends MessageFacts, Content, AsyncDisposable {
  /** When the lock ends by the local clock; moves with `renewLock()`. */
  readonly lockedUntil: Date
  /** Removes the message for good. */
  complete(): Promise<void>
  /** Makes the message visible again, at once or after `delayMs`; its next delivery counts one more. */
  abandon(options?: Options<{ delayMs: number }>): Promise<void>
  /** Moves the message, sealed as it is, to the dead-letter queue. */
  deadLetter(reason: DeadLetterReason): Promise<void>
  /** Extends the lock and resolves with its new end. */
  renewLock(): Promise<Date>
}

/** What becomes of a message. `hold`: keep it, undecided, until an outage is over. */
export type Disposition =
  | { readonly action: 'complete' }
  | { readonly action: 'abandon'; readonly delayMs: number }
  | { readonly action: 'dead-letter'; readonly reason: string }
  | { readonly action: 'hold' }

/** A message that was not handed over, why, and what became of it. `settled` is false where it is held or settling failed. */
export interface RejectedMessage extends MessageFacts {
  readonly error: QueueError
  readonly disposition: Disposition
  readonly settled: boolean
}
