import type { QueueTransport, TransportReceiver, WireMessage } from '@queue-runtime/core/provider'
import type { TransportSide } from './broker.ts'
import { tooLarge, transportClosed } from './errors.ts'
import { createReceiver } from './receiver.ts'
import { messageSize } from './stored-message.ts'

/** One queue of the broker. The queue is looked up, or made, by each call that needs it. */
export function createTransport(queue: string, { settings, queue: find }: TransportSide): QueueTransport {
  const { lockMs, maxMessageBytes, deadLetter } = settings
  const receivers = new Set<TransportReceiver>()
  const main = createReceiver(queue, () => find(queue).messages)
  let isClosed = false

  const assertOpen = (operation: string): void => {
    if (isClosed) throw transportClosed(queue, operation)
  }

  const checkSize = (message: WireMessage): void => {
    const size = messageSize(message)
    if (size > maxMessageBytes) throw tooLarge(queue, message.messageId, size, maxMessageBytes)
  }

  const openDeadLetters = (): TransportReceiver => {
    assertOpen('deadLetters')
    const receiver = createReceiver(
      queue,
      () => find(queue).deadLetters,
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
      messages.forEach(checkSize)
      return target.send(messages)
    },
    receive: main.receive,
    ...(deadLetter && { deadLetters: openDeadLetters }),
    async close() {
      isClosed = true
      await Promise.all([main, ...receivers].map((receiver) => receiver.close()))
    },
  }
}
