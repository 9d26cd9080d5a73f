import type { QueueError } from '../base/errors.ts'
import type { CallOptions, Options } from '../base/options.ts'
import type { DeadLetter } from './dead-letter.ts'

/**
 * - `maxMessages`: how many are sent again at most. Default all that are there
 * - `filter`: which are sent again; the others stay. Default all
 * - `onProgress`: told after each letter how many were looked at so far
 */
export interface RedriveOptions
  extends CallOptions,
    Options<{
      maxMessages: number
      filter: (letter: DeadLetter) => boolean | Promise<boolean>
      onProgress: (done: number) => void
    }> {}

/** What a redrive came to. */
export interface RedriveReport {
  /** Letters that were sent again and removed. */
  redriven: number
  /** Letters that the filter left. */
  skipped: number
  /** Letters that stayed because of an error. One that was sent and could not be removed is among them. */
  failed: { messageId: string; error: QueueError }[]
}

/** The reader of a dead-letter queue. */
export interface DeadLetters {
  /**
   * One pass: yields each letter that is there once, up to `maxMessages`, and ends. Locks are renewed meanwhile, until five minutes
   * after the last step; letters left unsettled are given back when the pass ends. An abort ends the iteration without an error.
   *
   * @throws Configuration: an option is wrong; it is named · what the broker reports of the dead-letter queue
   * @example
   * for await (const letter of client.deadLetters().messages()) console.log(letter.reason, (await letter.open()).text())
   */
  messages(options?: CallOptions & Options<{ maxMessages: number }>): AsyncIterable<DeadLetter>
  /**
   * One pass: sends each letter that `filter` lets through to its queue again and removes it. A letter that fails stays, and
   * the pass goes on. What comes back as a letter during the pass is left for the next one.
   *
   * @throws Configuration: the client is receive-only, or an option is wrong · PermissionDenied, CredentialRejected, QueueNotFound,
   *   since they concern every letter · what `filter` and `onProgress` throw · what the broker reports of the dead-letter queue
   * @example
   * const { redriven, failed } = await client.deadLetters().redrive({ filter: (letter) => letter.reason === 'qr.expired' })
   */
  redrive(options?: RedriveOptions): Promise<RedriveReport>
}
