import { errorClass, isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import { logFields } from '../message/facts.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { RedriveOptions, RedriveReport } from './dead-letters.ts'

/** What concerns every letter: to go on would only repeat it. */
const concernsAll = (error: unknown): boolean =>
  isQueueError(error, 'Configuration') || isQueueError(error, 'ClientClosed')

/** Redrives the letters of a pass. Rejects with `signal.reason` on an abort: what was sent until then is sent. */
export async function redriveAll(
  { queue, providerName, logger }: ClientParts,
  letters: AsyncIterable<DeadLetter>,
  options: RedriveOptions,
  signal: AbortSignal,
): Promise<RedriveReport> {
  const { maxMessages = Number.POSITIVE_INFINITY, filter = () => true, onProgress } = options
  const report: RedriveReport = { redriven: 0, skipped: 0, failed: [] }
  const sent = new Set<string>()
  let done = 0

  const fail = (letter: DeadLetter, error: unknown): void => {
    const { messageId } = letter
    logger.warn({ ...logFields(queue, 'redrive', letter), error_type: errorClass(error) }, 'Dead letter not sent again')
    const facts = { provider: providerName, providerCode: errorClass(error) }
    const known = isQueueError(error) ? error : new QueueError('ProviderError', 'The redrive failed.', { facts, queue })
    report.failed.push({ messageId, error: known })
  }

  const redrive = async (letter: DeadLetter): Promise<void> => {
    try {
      await letter.redrive()
      sent.add(letter.messageId)
      report.redriven += 1
    } catch (error) {
      if (signal.aborted || concernsAll(error)) throw error
      fail(letter, error)
    }
  }

  for await (const letter of letters) {
    // Sent again in this very pass, and a letter once more already.
    const isBack = sent.has(letter.messageId)
    if (isBack || !(await filter(letter))) report.skipped += 1
    else await redrive(letter)
    done += 1
    onProgress?.(done)
    if (report.redriven >= maxMessages) break
  }
  signal.throwIfAborted()
  return report
}
