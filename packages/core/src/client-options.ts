import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { checkOptions, option } from './base/check.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { BatchOptions, CallOptions, Options, WaitOptions } from './base/options.ts'
import { checkQueueName } from './base/queue-name.ts'
import type { MessageProtection } from './contracts/protection.ts'
import type { QueueProvider } from './contracts/transport.ts'
import type { RedriveOptions } from './dead-letters/dead-letters.ts'
import type { RejectedMessage } from './message/message.ts'
import { checkSessionId } from './message/validate.ts'
import { type RetryOptions, retryOption } from './resilience/retry.ts'

/**
 * - `provider`: the broker; `queue`: the logical name, 1–260 characters of `[A-Za-z0-9_-]`
 * - `crypto`: the `messageCrypto()` of `@queue-runtime/crypto`. Without it bodies travel as plaintext, and sealed ones that
 *   arrive are held
 * - `retry`: how calls to the broker are tried again; `false`: not at all
 * - `maxDeliveries`: a message delivered more often is dead-lettered (`qr.max-deliveries`) before it is opened. Effective
 *   only below the broker's own limit
 * - `onRejected`: told of each message that was not handed over
 * - `logger`: shaped as pino; default prints warnings and errors; `false` silences
 * - `meterProvider`, `tracerProvider`: default those registered with `@opentelemetry/api`
 * - `clock`: default the machine's
 */
export interface QueueClientOptions
  extends Options<{
    crypto: MessageProtection
    retry: RetryOptions | false
    maxDeliveries: number
    onRejected: (rejected: RejectedMessage) => void
    logger: Logger | false
    meterProvider: MeterProvider
    tracerProvider: TracerProvider
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
      retry: retryOption,
      maxDeliveries: option.wholeNumber(1),
      onRejected: option.callback,
      logger: option.logger,
      meterProvider: option.object('a MeterProvider', 'getMeter'),
      tracerProvider: option.object('a TracerProvider', 'getTracer'),
      clock: option.object('a Clock', 'now', 'sleep'),
    },
    ['provider', 'queue'],
  )
  checkQueueName(options.queue)
}

/** `sessionId`: which session; default the next that has messages. */
export interface AcceptSessionOptions extends WaitOptions, Options<{ sessionId: string }> {}

const { signal } = option
const waitMs = option.wholeNumber(0)
const maxMessages = option.wholeNumber(1)

/** The options of calls, checked as those of the constructor are. */
export const checkCall = (options: CallOptions): void => checkOptions(options, { signal })
export const checkWait = (options: WaitOptions): void => checkOptions(options, { signal, waitMs })
export const checkBatch = (options: BatchOptions): void => checkOptions(options, { signal, waitMs, maxMessages })
export const checkPass = (options: CallOptions & Options<{ maxMessages: number }>): void =>
  checkOptions(options, { signal, maxMessages })
export const checkRedrive = (options: RedriveOptions): void =>
  checkOptions(options, { signal, maxMessages, filter: option.callback, onProgress: option.callback })
export const checkAccept = (options: AcceptSessionOptions): void => {
  checkOptions(options, { signal, waitMs, sessionId: option.that('a string', (value) => typeof value === 'string') })
  if (options.sessionId !== undefined) checkSessionId(options.sessionId)
}
