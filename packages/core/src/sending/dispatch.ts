import { isQueueError, type QueueError } from '../base/errors.ts'
import { isEncrypted } from '../base/marker.ts'
import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport } from '../contracts/transport.ts'
import type { WireMessage } from '../message/wire.ts'
import { type Attempts, isRetryable } from '../resilience/retry.ts'
import { createAttempt } from './attempt.ts'

/** What became of one message: its id, or why it was not sent. */
export type Outcome = { readonly messageId: string } | { readonly error: QueueError }

/** Hands messages to the broker, again where that may help; resolves with one outcome each, in order. */
export type Dispatch = (wire: readonly WireMessage[], signal: AbortSignal) => Promise<Outcome[]>

/** What is known of each message: null where the broker has it, or its last error. */
type Known = Map<WireMessage, QueueError | null>

/** Those that may be sent again: behind a message that went through nothing of its session is sent any more. */
const retryable = (wire: readonly WireMessage[], known: Known): WireMessage[] => {
  const overtaken = new Set<string>()
  const open: WireMessage[] = []
  for (const message of wire.toReversed()) {
    const { sessionId } = message
    const error = known.get(message)
    if (error === null && sessionId !== undefined) overtaken.add(sessionId)
    const isOvertaken = sessionId !== undefined && overtaken.has(sessionId)
    if (isRetryable(error) && !isOvertaken) open.push(message)
  }
  return open.reverse()
}

/** They go together again, so that the one that asks for the longest pause decides. */
const slowest = (open: readonly WireMessage[], known: Known): QueueError | undefined => {
  const hintOf = ({ retryAfterMs = 0 }: QueueError): number => retryAfterMs
  return open.flatMap((message) => known.get(message) ?? []).sort((one, other) => hintOf(other) - hintOf(one))[0]
}

/** Waits for the next attempt; resolves with false where there is none. Rejects with the reason of an abort. */
const mayTryAgain = async (attempts: Attempts, error: unknown): Promise<boolean> => {
  try {
    await attempts.again(error)
    return true
  } catch (thrown) {
    if (thrown === error) return false
    throw thrown
  }
}

export function createDispatch(client: ClientParts, transport: QueueTransport): Dispatch {
  const { closing, retry, metrics } = client
  const attempt = createAttempt(client, transport)

  const sendAll = async (wire: readonly WireMessage[], attempts: Attempts, signal: AbortSignal): Promise<Known> => {
    const known: Known = new Map()
    let open = wire
    for (;;) {
      try {
        const errors = await attempt(open, attempts.signal)
        for (const [index, message] of open.entries()) known.set(message, errors[index] ?? null)
      } catch (error) {
        signal.throwIfAborted()
        if (known.size === 0) {
          if (await mayTryAgain(attempts, error)) continue
          throw error
        }
        // What is known of the others is worth more than this error, which stands for those that were tried.
        if (!isQueueError(error)) return known
        for (const message of open) known.set(message, error)
      }
      open = retryable(wire, known)
      const cause = slowest(open, known)
      if (cause === undefined || !(await mayTryAgain(attempts, cause))) return known
    }
  }

  return async (wire, signal) => {
    const attempts = retry.begin('send', { signal, givingUp: closing })
    const count = (message: WireMessage, status: 'success' | 'error'): void =>
      metrics.sent(isEncrypted(message.body), status)
    try {
      const known = await sendAll(wire, attempts, signal)
      return wire.map((message) => {
        const error = known.get(message) ?? null
        count(message, error === null ? 'success' : 'error')
        return error === null ? { messageId: message.messageId } : { error }
      })
    } catch (error) {
      for (const message of wire) count(message, 'error')
      throw error
    } finally {
      attempts.end()
    }
  }
}
