import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport, TransportReceiver } from '../contracts/transport.ts'
import { DEFAULT_WAIT_MS } from '../receiving/receiver.ts'
import { openSource } from '../receiving/source.ts'
import type { Turn } from '../receiving/turn.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import type { OpenFeed } from './consumer.ts'
import type { ConsumeOptions } from './handler.ts'
import type { Handling, Job } from './handling.ts'
import { type Line, openLine } from './in-order.ts'

interface MessageFeedParts {
  readonly transport: QueueTransport
  /** That of all who receive from the transport. */
  readonly turn: Turn
  readonly makeHandling: (stopping: AbortSignal) => Handling
  readonly options: ConsumeOptions
}

/** The client closes its transport, not who borrows it. */
const borrowed = (transport: QueueTransport): TransportReceiver => ({
  receive: (options) => transport.receive(options),
  close: async () => {},
})

/**
 * Feeds a consumer from the queue itself. With `sessions`, messages of one session are handled in order, one at a time: for
 * brokers that hand sessions out like other messages and keep the rest of a session back meanwhile.
 */
export const messageFeed =
  (client: ClientParts, { transport, turn, makeHandling, options }: MessageFeedParts): OpenFeed =>
  (stopping) => {
    const { sessions = false, maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
    const handling = makeHandling(stopping)
    const receiver = borrowed(transport)
    // A source of its own: what is held or delayed for this consumer goes back when it closes, and not before.
    const { features } = transport
    const source = openSource(client, { receiver, features, isOrdered: false, closing: stopping, turn })
    const lines = new Map<string, Line>()

    const openSession = (sessionId: string, job: Job): Line => {
      const line = openLine([job], {
        onStay: () => source.letGo(sessionId),
        onEnd: () => lines.delete(sessionId),
      })
      lines.set(sessionId, line)
      return line
    }

    return {
      async next(free, start) {
        const pull = { maxMessages: free, waitMs: DEFAULT_WAIT_MS, signal: stopping, renewMs, ifShut: 'wait' } as const
        const { messages } = await source.pull(pull)
        for (const taken of messages) {
          const job = handling.accept(taken)
          const sessionId = sessions ? taken.message.sessionId : undefined
          const line = sessionId === undefined ? undefined : lines.get(sessionId)
          if (line !== undefined) line.add(job)
          else start(sessionId === undefined ? openLine([job]) : openSession(sessionId, job))
        }
      },
      close: () => source.close(),
    }
  }
