import { checkOptions, hasMethods, misconfigured, option } from '../base/check.ts'
import type { CallOptions, Options } from '../base/options.ts'
import type { Delivery } from '../contracts/transport.ts'
import type { Disposition, ReceivedMessage } from '../message/message.ts'

/**
 * Handles one message. Resolved and unsettled: it is completed. Thrown: `onError` decides. The value is ignored. `signal`
 * aborts when the lock of the message, of its session or its claim is lost (MessageLockLost, SessionLockLost), or the consumer
 * closes (ClientClosed): a handler that stops its work for it throws, since one that returns has its message completed. No
 * handler starts after its lock is gone or once its consumer closes: what waited for its turn goes back.
 */
export type MessageHandler = (
  message: ReceivedMessage,
  context: { readonly signal: AbortSignal },
) => Promise<unknown> | unknown

/**
 * Decides about a message whose handler threw; undefined leaves it to the default. `hold` keeps the message and its lock, pauses
 * intake and calls the handler again after a while: for an outage of what the handler depends on.
 */
export type OnError = (error: unknown, message: ReceivedMessage) => Disposition | undefined

/**
 * - `concurrency`: handlers at once, of each session one. Default 1
 * - `maxAutoRenewMs`: for how long locks are renewed while a message waits for its turn or is held, and again while its
 *   handler works, in milliseconds; 0: not at all. Default 300 000
 * - `onError`: what becomes of a message whose handler threw; undefined: a body that is not what the handler expected
 *   (`InvalidBody`) is dead-lettered, everything else is abandoned with a growing delay
 * - `signal`: ends it
 */
export interface ProcessOptions
  extends CallOptions,
    Options<{ concurrency: number; maxAutoRenewMs: number; onError: OnError }> {}

/**
 * - `sessions`: messages of one session are handled in order, one at a time. Where the broker hands out the locks of sessions,
 *   only messages of sessions are received, and a session keeps its place among the `concurrency` until it has had no message
 *   for 200 ms. Default false
 * - `drainMs`: how long `close()` waits for running handlers, in milliseconds. Default 30 000
 */
export interface ConsumeOptions extends ProcessOptions, Options<{ sessions: boolean; drainMs: number }> {}

const processChecks = {
  concurrency: option.wholeNumber(1),
  maxAutoRenewMs: option.wholeNumber(0),
  onError: option.callback,
  signal: option.signal,
}

const checkHandler = (handler: unknown): void => {
  if (typeof handler !== 'function') throw misconfigured('handler', 'must be a function.')
}

const isDelivery = (value: unknown): boolean =>
  hasMethods(value, 'complete', 'abandon', 'deadLetter', 'renewLock') && 'message' in (value as object)

/** @throws Configuration with the name of the parameter or option */
export function checkProcess(deliveries: readonly Delivery[], handler: MessageHandler, options: ProcessOptions): void {
  if (!Array.isArray(deliveries)) throw misconfigured('deliveries', 'must be an array.')
  const wrong = deliveries.findIndex((delivery) => !isDelivery(delivery))
  if (wrong >= 0) throw misconfigured(`deliveries[${wrong}]`, 'must be a Delivery.')
  checkHandler(handler)
  checkOptions(options, processChecks)
}

/** @throws Configuration with the name of the option */
export function checkConsume(handler: MessageHandler, options: ConsumeOptions): void {
  checkHandler(handler)
  checkOptions(options, { ...processChecks, sessions: option.boolean, drainMs: option.wholeNumber(0) })
}
