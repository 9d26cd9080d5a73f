import { randomUUID } from 'node:crypto'
import type { QueueProvider, QueueTransport, WireMessage } from '@queue-runtime/core/provider'
import type { Time } from '../kit/time.ts'
import { wireMessage } from './wire.ts'

/** One provider and queues on it that nobody else uses. */
export interface ProviderSetup {
  readonly provider: QueueProvider
  /** A queue that is empty, and that plain receives work on. */
  readonly queue: string
  /** Another empty queue, where sessions are accepted on it and not on `queue`. */
  readonly sessionQueue?: string
  /** The name of a queue that does not exist. */
  readonly missingQueue?: string
  readonly time: Time
  /** How long the lock of a message lasts, in milliseconds: in real time several times `time.lookMs`. */
  readonly lockMs: number
  /** How long the lock of a session lasts, in milliseconds. */
  readonly sessionLockMs?: number
  /** A body of more bytes than this is too large; `queue` holds ten messages of a tenth of it. */
  readonly maxMessageBytes: number
  /** The delivery after which the broker itself makes a dead letter of a message that comes back. More than 3 */
  readonly maxDeliveryCount?: number
  close(): Promise<void>
}

export interface ProviderBench extends ProviderSetup {
  /** A transport of `queue`, or of another one; closed after the case. */
  open(queue?: string): QueueTransport
  /** A message that `queue` takes: where it requires session ids, one that is given none has a session of its own. */
  message(body: string | Uint8Array, fields?: Partial<Omit<WireMessage, 'body'>>): WireMessage
  /** What messages have in common whose order is kept. */
  readonly line: { readonly sessionId?: string }
}

export function providerBench(setup: ProviderSetup): ProviderBench {
  const opened: QueueTransport[] = []
  const open = (queue: string): QueueTransport => {
    const transport = setup.provider.open(queue)
    opened.push(transport)
    return transport
  }
  const { sessionIds } = open(setup.queue).features
  const own = (): { sessionId?: string } => (sessionIds === 'required' ? { sessionId: randomUUID() } : {})
  return {
    ...setup,
    open: (queue = setup.queue) => open(queue),
    message: (body, fields) => wireMessage(body, { ...own(), ...fields }),
    line: sessionIds === 'none' ? {} : { sessionId: 'line' },
    async close() {
      await Promise.all(opened.map((transport) => transport.close()))
    },
  }
}
