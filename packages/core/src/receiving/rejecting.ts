import { errorClass, isQueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { IncomingMessage } from '../contracts/transport.ts'
import { factsOf, logFields } from '../message/facts.ts'
import type { RejectedMessage } from '../message/message.ts'
import { execute } from '../settling/disposition.ts'
import type { Settlement } from '../settling/settlement.ts'
import type { Refused } from './taking.ts'

/** Settles what is not handed over and reports it: to the log, and to `onRejected`. Null: it is held. Never rejects. */
export type Reject = (
  message: IncomingMessage,
  settlement: Settlement | null,
  refusal: Refused,
) => Promise<RejectedMessage>

export function createRejecting(
  queue: string,
  logger: Logger,
  onRejected: ((rejected: RejectedMessage) => void) | undefined,
): Reject {
  /** The application's callback may be async, and may throw in either way. */
  const tell = async (rejected: RejectedMessage): Promise<void> => {
    await onRejected?.(rejected)
  }

  return async (message, settlement, { error, disposition }) => {
    const keyId = isQueueError(error, 'KeyNotFound') ? { key_id: error.facts.keyId } : {}
    const outcome = { error_type: error.code, disposition: disposition.action, ...keyId }
    const fields = { ...logFields(queue, 'receive', message), ...outcome }
    let settled = false
    try {
      // The reason alone: the error would tell whoever reads the dead letters which check failed.
      settled = settlement !== null && (await execute(settlement, disposition))
      logger.warn(fields, 'Message not handed over')
    } catch (failure) {
      const failed = { ...fields, settle_error_type: errorClass(failure) }
      logger.error(failed, 'A refused message could not be settled and stays in the queue')
    }
    const rejected: RejectedMessage = { ...factsOf(message), error, disposition, settled }
    tell(rejected).catch((thrown: unknown) =>
      logger.error({ ...fields, callback_error_type: errorClass(thrown) }, 'onRejected threw'),
    )
    return rejected
  }
}
