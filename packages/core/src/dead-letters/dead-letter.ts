import type { Content, MessageFacts } from '../message/message.ts'

/** A message in the dead-letter queue, under a lock, sealed as it came. Its inspect output and its JSON hold no body. */
export interface DeadLetter extends MessageFacts {
  readonly reason: string | undefined
  readonly description: string | undefined
  /**
   * Resolves with the content after the tag was verified. Freshness and replay are not looked at: an old letter opens.
   * @throws what unprotecting found, such as AuthenticationFailed, or KeyProviderError while the key store is down
   */
  open(): Promise<Content>
  /**
   * Sends the message to its queue again, then removes the letter: a crash between the two leaves both. It is sealed anew, with
   * the current key and time, under the same message id.
   * @throws as `open` and `send`; then nothing was sent · what removing found; then it was
   */
  redrive(): Promise<void>
  /** Removes the letter for good. */
  complete(): Promise<void>
  /** Leaves the letter where it is and gives up its lock. */
  abandon(): Promise<void>
}
