import { QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import type { SessionTransport, TransportFeatures } from '../contracts/transport.ts'
import { openSource, type Source } from '../receiving/source.ts'
import type { SessionSpan } from '../telemetry/tracing.ts'

/** A session whose lock the client holds, with all that stands around it. */
export interface HeldSession extends Source {
  readonly sessionId: string
  readonly lockedUntil: Date
  /** Aborts when it closes, or the client does. */
  readonly closing: AbortSignal
  readonly span: SessionSpan
  /** Renews the lock of the session and the claims of what was received in it: until it is closed, also while it closes. */
  renewLock(): Promise<Date>
  /** Gives back what is unsettled, then the lock. Any number of times. */
  close(): Promise<void>
}

export function holdSession(
  client: ClientParts,
  transport: SessionTransport,
  features: TransportFeatures,
  onClosed: (session: HeldSession) => void,
): HeldSession {
  const { queue, metrics, tracing } = client
  const { sessionId } = transport
  const closing = new AbortController()
  const begunMs = performance.now()
  const span = tracing.session()
  const source = openSource(client, {
    receiver: transport,
    features,
    isOrdered: true,
    closing: closing.signal,
    session: span.context,
  })
  metrics.sessionAccepted()

  const stop = (): void => {
    client.closing.removeEventListener('abort', stop)
    const text = `The session ${sessionId} is closed.`
    closing.abort(new QueueError('ClientClosed', text, { queue, operation: 'session' }))
  }
  client.closing.addEventListener('abort', stop, { once: true })

  const close = async (): Promise<void> => {
    stop()
    try {
      await source.close()
    } finally {
      span.end()
      metrics.sessionClosed((performance.now() - begunMs) / 1_000)
      onClosed(session)
    }
  }
  let closed: Promise<void> | undefined

  const session: HeldSession = {
    ...source,
    get isHolding() {
      return source.isHolding
    },
    sessionId,
    get lockedUntil() {
      return transport.lockedUntil
    },
    closing: closing.signal,
    span,
    async renewLock() {
      const lockedUntil = await transport.renewLock()
      await source.unsettled.renewClaims(lockedUntil)
      return lockedUntil
    },
    close() {
      closed ??= close()
      return closed
    },
  }
  return session
}
