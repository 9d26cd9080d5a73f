import { isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport } from '../contracts/transport.ts'
import type { WireMessage } from '../message/wire.ts'
import { isPermanent } from '../resilience/backoff.ts'

/** What one call of the transport came to: per message null, or why the broker did not take it. */
export type Attempt = (wire: readonly WireMessage[], signal: AbortSignal) => Promise<(QueueError | null)[]>

/** A full queue is a matter of its receivers: it must not stop those of this very client. */
const isOutage = (error: unknown): boolean => !isPermanent(error) && !isQueueError(error, 'Throttled')

/** Makes the one way to the broker: through the gate, and measured. */
export function createAttempt(client: ClientParts, transport: QueueTransport): Attempt {
  const { queue, providerName, gate, metrics } = client

  /** A broker that does not say what became of a message has not taken it. */
  const errorOf = (outcome: { readonly error: QueueError | null } | undefined): QueueError | null => {
    if (outcome?.error === null) return null
    const facts = { provider: providerName, providerCode: 'no-outcome' }
    return (
      outcome?.error ?? new QueueError('ProviderError', 'The provider told no outcome of the send.', { facts, queue })
    )
  }

  return async (wire, signal) => {
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
}
