import type { Clock } from '../base/clock.ts'
import type { QueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { CallOptions, Options } from '../base/options.ts'
import type { Disposition, MessageFields, Seal } from '../message/message.ts'
import type { QueueMeter } from '../telemetry/meter.ts'
import type { IncomingMessage } from './transport.ts'

/** What a protection may know of the queue that it is opened for. */
export interface QueueContext {
  readonly queue: string
  readonly lockMs: number | undefined
  readonly maxDeliveries: number | undefined
  readonly logger: Logger
  readonly meter: QueueMeter
  readonly clock: Clock
}

/** The one slot that `messageCrypto()` of `@queue-runtime/crypto` fills. */
export interface MessageProtection {
  /** Called once per queue, when the client is made. */
  open(context: QueueContext): QueueProtection
}

/** A message that is about to be protected: validated, with its id and its body as bytes. */
export type UnprotectedMessage = MessageFields & { readonly messageId: string; readonly body: Uint8Array }

/** What takes the place of body and attributes on the wire. `seal` is null where the message goes as plaintext. */
export interface ProtectedBody {
  readonly body: Uint8Array
  readonly attributes: Readonly<Record<string, string>>
  readonly seal: Seal | null
}

/**
 * `authenticated`: names of the attributes that the tag is to cover. Default those that the protection was told when it was made.
 * A message that is sealed anew gives those that its old seal proved: an attribute that nobody vouched for stays such a one.
 */
export interface ProtectOptions extends CallOptions, Options<{ authenticated: readonly string[] }> {}

/** The protection of one queue. */
export interface QueueProtection {
  /**
   * Resolves with what is sent in place of the body and the attributes.
   *
   * @throws Configuration: it only opens · what the key store reports; then nothing is sent
   */
  protect(message: UnprotectedMessage, options: ProtectOptions): Promise<ProtectedBody>
  /**
   * Resolves with one value per message, in order: a fact about a message is a value. Rejects only with `signal.reason`,
   * after releasing what it claimed. `inspect` verifies the tag, not freshness or replay.
   */
  unprotect(
    messages: readonly IncomingMessage[],
    options: CallOptions & { readonly purpose: 'deliver' | 'inspect' },
  ): Promise<Unprotected[]>
}

/** Opened, or refused with what is to become of the message. */
export type Unprotected =
  | { readonly body: Uint8Array; readonly seal: Seal | null; readonly claim: Claim | null }
  | { readonly error: QueueError; readonly disposition: Disposition }

/**
 * The right to handle a message, held against replays. Core confirms before it completes at the broker and releases before
 * it abandons or dead-letters. A lost claim rejects with MessageLockLost: then the broker is not asked.
 */
export interface Claim {
  /** The message was handled: no copy of it is handled again. */
  confirm(): Promise<void>
  /** Others may claim it from now on. */
  release(): Promise<void>
  /** Extends it to the end of a lock that was renewed. */
  renew(lockedUntil: Date): Promise<void>
}
