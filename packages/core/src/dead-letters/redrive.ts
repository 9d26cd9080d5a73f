import type { ErrorCode } from '../base/error-codes.ts'
import { errorClass, isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import { logFields } from '../message/facts.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { RedriveOptions, RedriveReport } from './dead-letters.ts'

/** What concerns every letter: to go on would repeat it, and copy all that may be sent and not removed. */
const CONCERNS_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ClientClosed',
  'Configuration',
  'CredentialRejected',
  'PermissionDenied',
  'QueueNotFound',
])

/** Redrives the letters of a pass. Rejects with `signal.reason` on an abort: what was sent until then is sent. */
export async function redriveAll(
  { queue, providerName, logger }: ClientParts,
  letters: AsyncIterable<DeadLetter>,
  options: RedriveOptions,
  signal: AbortSignal,
): Promise<RedriveReport> {
  const { maxMessages = Number.POSITIVE_INFINITY, filter = () => true, onProgress } = options
  const report: RedriveReport = { redriven: 0, skipped: 0, failed: [] }
  let done = 0

  const fail = (letter: DeadLetter, error: unknown): void => {
    const { messageId } = letter
    logger.warn(
      { ...logFields(queue, 'redrive', letter), error_type: errorClass(error) },
      'The redrive of a dead letter failed',
    )
    const facts = { provider: providerName, providerCode: errorClass(error) }
    const known = isQueueError(error) ? error : new QueueError('ProviderError', 'The redrive failed.', { facts, queue })
    report.failed.push({ messageId, error: known })
  }

  const redrive = async (letter: DeadLetter): Promise<void> => {
    try {
      await letter.redrive()
      report.redriven += 1
    } catch (error) {
      signal.throwIfAborted()
      if (isQueueError(error) && CONCERNS_ALL.has(error.code)) throw error
      fail(letter, error)
    }
  }

  for await (const letter of letters) {
    if (await filter(letter)) await redrive(letter)
    else report.skipped += 1
    done += 1
    onProgress?.(done)
    if (report.redriven >= maxMessages) break
  }
  signal.throwIfAborted()
  return report
}
