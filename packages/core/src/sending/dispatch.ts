import { isQueueError, QueueError } from '../base/errors.ts'
import { isEncrypted } from '../base/marker.ts'
import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport } from '../contracts/transport.ts'
import type { WireMessage } from '../message/wire.ts'
import { isPermanent } from '../resilience/backoff.ts'
import { isRetryable } from '../resilience/retry.ts'

/** What became of one message: its id, or why it was not sent. */
export type Outcome = { readonly messageId: string } | { readonly error: QueueError }

/** Hands messages to the broker, again where that may help; resolves with one outcome each, in order. */
export type Dispatch = (wire: readonly WireMessage[], signal: AbortSignal) => Promise<Outcome[]>

type Errors = (QueueError | null)[]

/** A full queue is a matter of its receivers: it must not stop those of this very client. */
const isOutage = (error: unknown): boolean => !isPermanent(error) && !isQueueError(error, 'Throttled')

export function createDispatch(client: ClientParts, transport: QueueTransport): Dispatch {
  const { queue, providerName, gate, retry, metrics } = client

  /** A broker that does not say what became of a message has not taken it. */
  const errorOf = (outcome: { readonly error: QueueError | null } | undefined): QueueError | null => {
    if (outcome?.error === null) return null
    const facts = { provider: providerName, providerCode: 'no-outcome' }
    return (
      outcome?.error ?? new QueueError('ProviderError', 'The provider told no outcome of the send.', { facts, queue })
    )
  }

  /** One call of the transport, through the gate. */
  const attempt = async (wire: readonly WireMessage[], signal: AbortSignal): Promise<Errors> => {
    const passage = gate.enter('send')
    const begunMs = performance.now()
    try {
      const outcomes = await transport.send(wire, { signal })
      const errors = wire.map((_, index) => errorOf(outcomes?.[index]))
      const outage = errors.find((error) => error !== null && isOutage(error))
      if (outage === undefined) passage.succeeded()
      else passage.failed(outage)
      return errors
    } catch (error) {
      if (signal.aborted || !isOutage(error)) passage.left()
      else passage.failed(error)
      throw error
    } finally {
      metrics.sendTook((performance.now() - begunMs) / 1_000)
    }
  }

  /** The failed ones that may be sent again: after a message that went through nothing of its session is sent any more. */
  const retryable = (wire: readonly WireMessage[], errors: Errors): number[] => {
    const overtaken = new Set<string>()
    const indices: number[] = []
    for (let index = wire.length - 1; index >= 0; index -= 1) {
      const sessionId = wire[index]?.sessionId
      const error = errors[index] ?? null
      if (error === null && sessionId !== undefined) overtaken.add(sessionId)
      const isOvertaken = sessionId !== undefined && overtaken.has(sessionId)
      if (error !== null && isRetryable(error) && !isOvertaken) indices.unshift(index)
    }
    return indices
  }

  const sendAll = async (wire: readonly WireMessage[], signal: AbortSignal): Promise<Errors> => {
    const attempts = retry.begin('send', { signal })
    let errors: Errors | undefined
    let open = [...wire.keys()]

    const note = (results: Errors): void => {
      errors ??= wire.map(() => null)
      for (const [at, index] of open.entries()) errors[index] = results[at] ?? null
      open = retryable(wire, errors)
    }

    try {
      for (;;) {
        const messages = open.flatMap((index) => wire[index] ?? [])
        const thrown: unknown = await attempt(messages, attempts.signal).then(note, (error: unknown) => error)
        const [first] = open
        if (errors !== undefined && first === undefined) return errors
        const cause = thrown ?? errors?.[first ?? 0]
        try {
          await attempts.again(cause)
        } catch (error) {
          // What is known of each message says more than the last of several errors.
          if (errors !== undefined && error === cause) return errors
          throw error
        }
      }
    } finally {
      attempts.end()
    }
  }

  return async (wire, signal) => {
    const count = (message: WireMessage, status: 'success' | 'error'): void =>
      metrics.sent(isEncrypted(message.body), status)
    try {
      const errors = await sendAll(wire, signal)
      return wire.map((message, index) => {
        const error = errors[index] ?? null
        count(message, error === null ? 'success' : 'error')
        return error === null ? { messageId: message.messageId } : { error }
      })
    } catch (error) {
      for (const message of wire) count(message, 'error')
      throw error
    }
  }
}
