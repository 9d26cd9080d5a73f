import { isQueueError, type Options, type QueueError } from '@queue-runtime/core'
import { checkOptions, option } from '@queue-runtime/core/provider'

/** What a transport asks of the broker. `closeSession` is the close of a session; the close of a transport asks nothing. */
export type BrokerOperation =
  | 'send'
  | 'receive'
  | 'complete'
  | 'abandon'
  | 'deadLetter'
  | 'renewLock'
  | 'acceptSession'
  | 'renewSessionLock'
  | 'closeSession'
  | 'probe'

/** One operation that is about to reach the broker. */
export interface BrokerCall {
  readonly queue: string
  readonly operation: BrokerOperation
  /** What is asked: the queue itself, a session of it, or its dead letters. */
  readonly of: 'queue' | 'session' | 'dead-letters'
  /** 1 for the first call of this operation on this queue, whoever makes it. Each message of a `send` counts as a call. */
  readonly nth: number
  /** The message that is sent or settled, or whose lock is renewed. */
  readonly messageId: string | undefined
  /** The session that is asked, or asked for. */
  readonly sessionId: string | undefined
}

/**
 * What goes wrong with one call:
 * - `delayMs`: it reaches the broker that much later, by the clock of the broker. Infinity: never. A call with a signal can be
 *   aborted meanwhile; of `waitMs` only the rest is waited
 * - `failBefore`: it does not reach the broker; the caller gets this error
 * - `failAfter`: the broker does what was asked, but its answer is lost; the caller gets this error. What a `receive` has locked
 *   stays locked, and a session that was accepted stays taken, until the lock ends or the transport closes
 *
 * With both errors the call fails before.
 */
export interface Fault extends Options<{ delayMs: number; failBefore: QueueError; failAfter: QueueError }> {}

/**
 * Asked before each operation; undefined lets it pass. What it throws the caller gets, and the broker is not asked.
 *
 * Each message of a `send` is asked for, in order, and has an outcome of its own. They travel together: the call is as late as
 * the latest of them.
 *
 * @example
 * // The first message that is sent is stored, but its sender never learns of it.
 * const broker = memoryBroker({
 *   faults: ({ operation, nth }) =>
 *     operation === 'send' && nth === 1 ? { failAfter: new QueueError('Timeout', 'No answer came.') } : undefined,
 * })
 */
export type FaultHook = (call: BrokerCall) => Fault | undefined

/** A call as the transport knows it. */
export type AskedCall = Pick<BrokerCall, 'queue' | 'operation' | 'of'> &
  Options<{ messageId: string; sessionId: string }>

/** Asks the hook of a broker what becomes of a call. */
export type Ask = (call: AskedCall) => Fault | undefined

const isDelay = (value: unknown): boolean => typeof value === 'number' && value >= 0

/** A misspelt fault would be one that never happens. */
const check = (fault: Fault): void =>
  checkOptions(fault, {
    delayMs: option.that('milliseconds, at least 0', isDelay),
    failBefore: option.that('a QueueError', isQueueError),
    failAfter: option.that('a QueueError', isQueueError),
  })

/** Counts the calls for the hook, and checks what it says. */
export function createAsk(hook: FaultHook): Ask {
  const counts = new Map<string, number>()
  return ({ queue, operation, of, messageId, sessionId }) => {
    const counted = `${queue} ${operation}`
    const nth = (counts.get(counted) ?? 0) + 1
    counts.set(counted, nth)
    const fault = hook({ queue, operation, of, nth, messageId, sessionId })
    if (fault !== undefined) check(fault)
    return fault
  }
}
