import type { QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import type { TransportSide } from './broker.ts'
import { transportClosed } from './errors.ts'
import { createReceiver } from './receiver.ts'
import { createSessionTransport } from './session-transport.ts'
import { checkSizes } from './size.ts'
import { createStay } from './stay.ts'

/** One queue of the broker. The queue is looked up, or made, by each call that needs it. */
export function createTransport(queue: string, { settings, queue: find }: TransportSide): QueueTransport {
  const { lockMs, deadLetter, maxMessageBytes } = settings
  const receivers = new Set<TransportReceiver>()
  const main = createReceiver(
    () => find(queue).messages,
    () => transportClosed(queue, 'receive'),
  )
  const stay = createStay()

  const assertOpen = (operation: string): void => {
    if (stay.isOver) throw transportClosed(queue, operation)
  }

  const openDeadLetters = (): TransportReceiver => {
    assertOpen('deadLetters')
    const receiver = createReceiver(
      () => find(queue).deadLetters,
      () => transportClosed(queue, 'receive'),
      () => receivers.delete(receiver),
    )
    receivers.add(receiver)
    return receiver
  }

  return {
    lockMs,
    features: { deliverAt: true, timeToLive: true, abandonDelay: true, sessionIds: 'allowed' },
    async send(messages, { signal }) {
      signal.throwIfAborted()
      assertOpen('send')
      const target = find(queue)
      checkSizes(queue, messages, maxMessageBytes)
      return target.send(messages)
    },
    receive: main.receive,
    async acceptSession({ sessionId, waitMs, signal }) {
      signal.throwIfAborted()
      assertOpen('acceptSession')
      const { sessions } = find(queue)
      const held =
        sessions.accept(sessionId) ?? (waitMs > 0 ? await stay.wait(sessions.wait(waitMs), signal) : undefined)
      // What came in the very tick of the abort or the close is given back: nobody else could.
      if (signal.aborted || stay.isOver) held?.end()
      signal.throwIfAborted()
      if (held === undefined || stay.isOver) return null
      const session = createSessionTransport(queue, held, () => receivers.delete(session))
      receivers.add(session)
      return session
    },
    ...(deadLetter && { deadLetters: openDeadLetters }),
    async probe({ signal }) {
      signal.throwIfAborted()
      assertOpen('probe')
      return { depth: find(queue).change(({ messages }) => messages.size) }
    },
    async close() {
      stay.end()
      await Promise.all([main, ...receivers].map((receiver) => receiver.close()))
    },
  }
}
