import type { Content, MessageFacts } from '../message/message.ts'

/**
 * A message in the dead-letter queue, under a lock, sealed as it came. Its inspect output and its JSON hold no body. Once its pass
 * is over it can still be opened; what would settle it then throws MessageLockLost, since it was given back.
 */
export interface DeadLetter extends MessageFacts {
  /** Why it was set aside: a reason of the library (`qr.…`), of the application, or of the broker. */
  readonly reason: string | undefined
  /** What whoever set it aside added. */
  readonly description: string | undefined
  /**
   * Resolves with the content after the tag was verified. Freshness and replay are not looked at: an old letter opens, and so does
   * one that was handled before.
   *
   * @throws AuthenticationFailed, KeyNotFound and what else unprotecting finds · KeyProviderError while the key store is down
   */
  open(): Promise<Content>
  /**
   * Sends the message to its queue again, then removes the letter: a crash between the two leaves both. It is sealed anew, with
   * the current key and time, under the same message id, and proves the same attributes as before.
   *
   * @throws as `open` and `send`: then nothing was sent · MessageLockLost before anything was sent: the lock had ended · what
   *   removing found: then it was sent, and the next call only removes
   */
  redrive(): Promise<void>
  /**
   * Removes the letter for good.
   *
   * @throws AlreadySettled · MessageLockLost · what the broker reports
   */
  complete(): Promise<void>
  /**
   * Leaves the letter where it is and gives up its lock.
   *
   * @throws AlreadySettled · MessageLockLost · what the broker reports
   */
  abandon(): Promise<void>
}
