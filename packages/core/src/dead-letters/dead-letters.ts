import type { QueueError } from '../base/errors.ts'
import type { CallOptions, Options } from '../base/options.ts'
import type { DeadLetter } from './dead-letter.ts'

/**
 * - `maxMessages`: letters that are sent again. Default all that are there
 * - `filter`: which; the others stay. Default all
 * - `onProgress`: told after each letter how many were looked at so far
 */
export interface RedriveOptions
  extends CallOptions,
    Options<{
      maxMessages: number
      filter: (letter: DeadLetter) => boolean | Promise<boolean>
      onProgress: (done: number) => void
    }> {}

/** What a redrive came to: letters sent again, left by the filter, and left because of an error. */
export interface RedriveReport {
  redriven: number
  skipped: number
  failed: { messageId: string; error: QueueError }[]
}

/** The reader of a dead-letter queue. */
export interface DeadLetters {
  /**
   * One pass: yields each letter that is there once, up to `maxMessages`, and ends. Letters left unsettled are given back
   * when the pass ends. An abort ends the iteration without an error.
   *
   * @example
   * for await (const letter of client.deadLetters().messages()) console.log(letter.reason, (await letter.open()).text())
   */
  messages(options?: CallOptions & Options<{ maxMessages: number }>): AsyncIterable<DeadLetter>
  /**
   * One pass: sends each letter that `filter` lets through to its queue again and removes it. A letter that fails stays, and
   * the pass goes on. What comes back as a letter during the pass is left for the next one.
   *
   * @throws Configuration: the client is receive-only · what `filter` and `onProgress` throw · what the broker reports of the
   *   dead-letter queue
   * @example
   * const { redriven, failed } = await client.deadLetters().redrive({ filter: (letter) => letter.reason === 'qr.expired' })
   */
  redrive(options?: RedriveOptions): Promise<RedriveReport>
}
