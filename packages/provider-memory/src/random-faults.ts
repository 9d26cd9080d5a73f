import { type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, misconfigured, option } from '@queue-runtime/core/provider'
import type { Fault, FaultHook } from './faults.ts'

/**
 * Rates are shares of the calls, from 0 to 1; together they are 1 at most. Each is 0 by default.
 * - `errorRate`: fail with ConnectionFailed before they reach the broker
 * - `lostAcknowledgementRate`: fail with Timeout after the broker has done what was asked
 * - `throttleRate`: are refused with Throttled
 * - `retryAfterMs`: when the throttled may come again, as they are told. Default: they are not told
 * - `delayMs`: each call is late by up to this many milliseconds. Default 0
 * - `random`: returns a number from 0 to 1, exclusive. Default `Math.random`; a seeded one makes a run repeatable
 */
export interface RandomFaultsOptions
  extends Options<{
    errorRate: number
    lostAcknowledgementRate: number
    throttleRate: number
    retryAfterMs: number
    delayMs: number
    random: () => number
  }> {}

const rate = option.that('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1)

/**
 * Returns a hook for `memoryBroker({ faults })` that makes a share of all calls fail, each on its own.
 *
 * @throws Configuration with the name of the option
 * @example
 * const weather = randomFaults({ errorRate: 0.05, lostAcknowledgementRate: 0.02, delayMs: 20 })
 * const broker = memoryBroker({ faults: (call) => (call.operation === 'send' ? weather(call) : undefined) })
 */
export function randomFaults(options: RandomFaultsOptions): FaultHook {
  checkOptions(options, {
    errorRate: rate,
    lostAcknowledgementRate: rate,
    throttleRate: rate,
    retryAfterMs: option.wholeNumber(0),
    delayMs: option.wholeNumber(0),
    random: option.callback,
  })
  const { errorRate = 0, lostAcknowledgementRate = 0, throttleRate = 0, retryAfterMs, delayMs = 0 } = options
  const { random = Math.random } = options
  if (errorRate + lostAcknowledgementRate + throttleRate > 1) {
    throw misconfigured('errorRate', 'and the other rates must not exceed 1 together.')
  }

  const faults: readonly (readonly [rate: number, fault: Fault])[] = [
    [errorRate, { failBefore: new QueueError('ConnectionFailed', 'The connection broke before the call.') }],
    [lostAcknowledgementRate, { failAfter: new QueueError('Timeout', 'The acknowledgement was lost.') }],
    [throttleRate, { failBefore: new QueueError('Throttled', 'The broker is busy.', { retryAfterMs }) }],
  ]

  const draw = (): Fault | undefined => {
    let left = random()
    for (const [share, fault] of faults) {
      if (left < share) return fault
      left -= share
    }
    return undefined
  }

  return () => ({ ...draw(), delayMs: Math.floor(random() * (delayMs + 1)) })
}
