import type { QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import { createAccepting } from './accepting.ts'
import { ACCEPT_MS, type Connection } from './connection.ts'
import { transportClosed, unsupported } from './errors.ts'
import { openReceiver } from './links.ts'
import type { AzureSettings } from './options.ts'
import { createPeek, createProbe } from './probing.ts'
import { targetOf } from './queue-names.ts'
import { createQueueSource } from './queue-source.ts'
import { createReceiver, type ShelvedReceiver } from './receiver.ts'
import { createSending } from './sending.ts'

/** How long a look without a wait gives the first message to come, in milliseconds. */
const LOOK_MS = 250

/** One queue of Service Bus. */
export function createTransport(queue: string, settings: AzureSettings, connection: Connection): QueueTransport {
  const { clock } = settings
  const { path, sessions } = targetOf(queue, settings.queues, settings.only)
  const letGo = connection.hold()
  const receivers = new Set<TransportReceiver>()
  const send = createSending({ queue, path, connection })
  const probe = createProbe(queue, path, connection)
  const peek = createPeek(queue, path, connection)
  let isClosed = false

  const assertOpen = (operation: string): void => {
    if (isClosed) throw transportClosed(queue, operation)
  }

  const keep = <T extends TransportReceiver>(receiver: T): T => {
    receivers.add(receiver)
    return {
      ...receiver,
      close: () => receiver.close().finally(() => receivers.delete(receiver)),
    }
  }

  const openQueue = (isDeadLetters: boolean): ShelvedReceiver => {
    const open = () => openReceiver(connection.clients().main, path, isDeadLetters)
    const { draw, close } = createQueueSource({ queue, origin: { isDeadLetters }, clock, open })
    return keep(createReceiver({ queue, draw, end: close, isExclusive: false, clock, minWaitMs: LOOK_MS }))
  }

  const accepting = createAccepting({
    ...{ queue, path, clock, takeMs: ACCEPT_MS },
    client: () => connection.clients().sessions,
    assertQueue: () => peek({ signal: new AbortController().signal }),
  })

  const main = sessions ? undefined : openQueue(false)

  return {
    lockMs: undefined,
    features: {
      deliverAt: true,
      timeToLive: true,
      abandonDelay: false,
      sessionIds: sessions ? 'required' : 'allowed',
    },
    async send(messages, options) {
      options.signal.throwIfAborted()
      assertOpen('send')
      return send(messages, options)
    },
    async receive(options) {
      if (main !== undefined) return main.receive(options)
      options.signal.throwIfAborted()
      assertOpen('receive')
      throw unsupported(
        'receive',
        'A queue with sessions is received from by session: with consume({ sessions: true }) or acceptSession.',
        {
          queue,
          operation: 'receive',
        },
      )
    },
    ...(sessions && {
      async acceptSession(options) {
        options.signal.throwIfAborted()
        assertOpen('acceptSession')
        return accepting.acceptSession(options)
      },
    }),
    deadLetters() {
      assertOpen('deadLetters')
      return openQueue(true)
    },
    async probe(options) {
      options.signal.throwIfAborted()
      assertOpen('health')
      return probe(options)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      accepting.close()
      await Promise.all([...receivers].map((receiver) => receiver.close()))
      await letGo()
    },
  }
}
