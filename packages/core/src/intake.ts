import type { Clock } from './clock.ts'
import { isQueueError, QueueError } from './errors.ts'
import { factsOf, logFields } from './facts.ts'
import type { Logger } from './logger.ts'
import type { Disposition, ReceivedMessage, RejectedMessage } from './message.ts'
import type { QueueProtection, Unprotected } from './protection.ts'
import { createReceivedMessage } from './received-message.ts'
import { createSettlement, type Settlement } from './settlement.ts'
import { abortable } from './signals.ts'
import type { ClientMetrics } from './telemetry.ts'
import type { Delivery, TransportReceiver } from './transport.ts'
import { createTurn } from './turn.ts'
import type { Unsettled } from './unsettled.ts'

/** What one look at the queue brought. `outage` is why messages are held, where some are. */
export interface Intake {
  readonly messages: readonly ReceivedMessage[]
  readonly rejected: readonly RejectedMessage[]
  readonly outage: QueueError | undefined
}

interface PullerParts {
  readonly queue: string
  readonly source: TransportReceiver
  readonly protection: QueueProtection
  readonly maxDeliveries: number | undefined
  readonly onRejected: ((rejected: RejectedMessage) => void) | undefined
  readonly logger: Logger
  readonly metrics: ClientMetrics
  readonly clock: Clock
  readonly unsettled: Unsettled
  /** Takes work that the caller does not wait for, but that closing does. */
  readonly inBackground: (work: Promise<void>) => void
}

/** Receives once: deliveries → unprotect → decide → hand over, or settle with a reason, or hold. */
export interface Puller {
  pull(options: { maxMessages: number; waitMs: number; signal: AbortSignal }): Promise<Intake>
}

/**
 * A lock that ends sooner, in milliseconds, is renewed before the message is opened: the lease of its claim ends before the
 * lock does, and the key may have to be fetched first (protocol.md 5).
 */
const SHORT_LOCK_MS = 1_250

const NOTHING: Intake = { messages: [], rejected: [], outage: undefined }

export function createPuller(parts: PullerParts): Puller {
  const { queue, source, protection, maxDeliveries, logger, metrics, clock, unsettled, inBackground } = parts
  const turn = createTurn(clock)

  /** Poison is decided before anything is opened, so that no handler and no key store sees it again (requirements D8). */
  const refusePoison = ({ message }: Delivery): Unprotected | undefined => {
    if (maxDeliveries === undefined || message.deliveryCount <= maxDeliveries) return undefined
    const text = `The message was delivered more than ${maxDeliveries} times.`
    const facts = { maxDeliveries }
    return {
      error: new QueueError('MaxDeliveriesExceeded', text, { facts, queue, messageId: message.messageId }),
      disposition: { action: 'dead-letter', reason: 'qr.max-deliveries' },
    }
  }

  /** Where renewing fails, unprotecting sees how much is left. */
  const renewShortLocks = async (deliveries: readonly Delivery[]): Promise<void> => {
    const isShort = ({ message }: Delivery): boolean => message.lockedUntil.getTime() - clock.now() < SHORT_LOCK_MS
    await Promise.allSettled(deliveries.filter(isShort).map(async (delivery) => delivery.renewLock()))
  }

  const judge = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Unprotected[]> => {
    const refusals = deliveries.map(refusePoison)
    const sound = deliveries.filter((_, index) => refusals[index] === undefined)
    await renewShortLocks(sound)
    const incoming = sound.map(({ message }) => message)
    const opened = await protection.unprotect(incoming, { purpose: 'deliver', signal })
    const verdicts = opened.values()
    return refusals.map((refusal) => refusal ?? (verdicts.next().value as Unprotected))
  }

  /** The dead letter says the coarse reason alone: the error itself would tell whoever reads the queue which check failed. */
  const execute = async (settlement: Settlement, disposition: Disposition): Promise<void> => {
    switch (disposition.action) {
      case 'complete':
        return settlement.complete()
      case 'abandon':
        return settlement.abandon(disposition.delayMs)
      case 'dead-letter':
        return settlement.deadLetter({ reason: disposition.reason })
      case 'hold':
        return
    }
  }

  const reject = async (
    { message }: Delivery,
    settlement: Settlement,
    { error, disposition }: Extract<Unprotected, { error: QueueError }>,
  ): Promise<RejectedMessage> => {
    const fields = { ...logFields(queue, 'receive', message), error_type: error.code, disposition: disposition.action }
    let settled = false
    try {
      await execute(settlement, disposition)
      settled = disposition.action !== 'hold'
      if (disposition.action === 'dead-letter') {
        logger.error({ ...fields, reason: disposition.reason }, 'Message moved to the dead-letter queue')
      } else {
        logger.warn(fields, 'Message not handed over')
      }
    } catch (failure) {
      const failed = { ...fields, settle_error_type: isQueueError(failure) ? failure.code : 'Error' }
      logger.error(failed, 'A refused message could not be settled and stays in the queue')
    }
    const rejected: RejectedMessage = { ...factsOf(message), error, disposition, settled }
    try {
      parts.onRejected?.(rejected)
    } catch {
      logger.error(fields, 'onRejected threw')
    }
    return rejected
  }

  /** After an abort nobody will take what was received: it goes back at once instead of waiting for its lock to end. */
  const giveBack = async (deliveries: readonly Delivery[], judging: Promise<Unprotected[]>): Promise<void> => {
    const verdicts = await judging.catch(() => [])
    const releases = deliveries.map((delivery, index) => {
      const verdict = verdicts[index]
      const claim = verdict === undefined || 'error' in verdict ? null : verdict.claim
      return createSettlement(delivery, claim, { queue, onEnd: unsettled.delete }).release()
    })
    await Promise.allSettled(releases)
  }

  return {
    async pull({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      const deliveries = await turn.take({ waitMs, signal }, () =>
        source.receive({ maxMessages, waitMs: Math.max(0, deadline - clock.now()), signal }),
      )
      if (deliveries === undefined || deliveries.length === 0) return NOTHING
      const judging = judge(deliveries, signal)
      const verdicts = await abortable(judging, signal).catch((error: unknown) => {
        inBackground(giveBack(deliveries, judging))
        throw error
      })
      const messages: ReceivedMessage[] = []
      const refused: Promise<RejectedMessage>[] = []
      let outage: QueueError | undefined
      for (const [index, delivery] of deliveries.entries()) {
        const verdict = verdicts[index] as Unprotected
        const claim = 'error' in verdict ? null : verdict.claim
        const settlement = createSettlement(delivery, claim, { queue, onEnd: unsettled.delete })
        if ('error' in verdict) {
          if (verdict.disposition.action === 'hold') outage ??= verdict.error
          refused.push(reject(delivery, settlement, verdict))
        } else {
          unsettled.add(settlement)
          metrics.received(verdict.seal !== null)
          messages.push(createReceivedMessage(delivery.message, verdict, settlement))
        }
      }
      return { messages, rejected: await Promise.all(refused), outage }
    },
  }
}
