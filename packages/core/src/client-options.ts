import type { MeterProvider } from '@opentelemetry/api'
import { checkOptions, option } from './base/check.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { BatchOptions, CallOptions, Options, WaitOptions } from './base/options.ts'
import { checkQueueName } from './base/queue-name.ts'
import type { MessageProtection } from './contracts/protection.ts'
import type { QueueProvider } from './contracts/transport.ts'
import type { RejectedMessage } from './message/message.ts'

/**
 * - `provider`: the broker; `queue`: the logical name, 1–260 characters of `[A-Za-z0-9_-]`
 * - `crypto`: the `messageCrypto()` of `@queue-runtime/crypto`. Without it bodies travel as plaintext, and sealed ones that
 *   arrive are held
 * - `maxDeliveries`: a message delivered more often is dead-lettered (`qr.max-deliveries`) before it is opened. Effective
 *   only below the broker's own limit
 * - `onRejected`: told of each message that was not handed over
 * - `logger`: shaped as pino; default prints warnings and errors; `false` silences
 * - `meterProvider`: default the one registered with `@opentelemetry/api`
 * - `clock`: default the machine's
 */
export interface QueueClientOptions
  extends Options<{
    crypto: MessageProtection
    maxDeliveries: number
    onRejected: (rejected: RejectedMessage) => void
    logger: Logger | false
    meterProvider: MeterProvider
    clock: Clock
  }> {
  readonly provider: QueueProvider
  readonly queue: string
}

/**
 * @throws Configuration with the name of the option · Validation with field `queue`
 */
export function checkClientOptions(options: QueueClientOptions): void {
  checkOptions(
    options,
    {
      provider: option.object('a provider, such as memoryProvider()', 'open'),
      queue: option.that('a string', (value) => typeof value === 'string'),
      crypto: option.object('what messageCrypto() returns', 'open'),
      maxDeliveries: option.wholeNumber(1),
      onRejected: option.callback,
      logger: option.logger,
      meterProvider: option.object('a MeterProvider', 'getMeter'),
      clock: option.object('a Clock', 'now', 'sleep'),
    },
    ['provider', 'queue'],
  )
  checkQueueName(options.queue)
}

const { signal } = option
const waitMs = option.wholeNumber(0)
const maxMessages = option.wholeNumber(1)

/** The options of calls, checked as those of the constructor are. */
export const checkCall = (options: CallOptions): void => checkOptions(options, { signal })
export const checkWait = (options: WaitOptions): void => checkOptions(options, { signal, waitMs })
export const checkBatch = (options: BatchOptions): void => checkOptions(options, { signal, waitMs, maxMessages })
export const checkPass = (options: CallOptions & Options<{ maxMessages: number }>): void =>
  checkOptions(options, { signal, maxMessages })
