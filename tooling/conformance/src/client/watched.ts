import type { QueueProvider, QueueTransport, SessionTransport, TransportReceiver } from '@queue-runtime/core/provider'

type Note = (what: string) => void

/** Notes whoever asks a receiver for more while it is being asked: a provider need not bear that. */
const watchedReceive = (receiver: TransportReceiver, note: Note): TransportReceiver['receive'] => {
  let isAsked = false
  return async (options) => {
    if (isAsked) note('a receiver was asked for messages while it was being asked')
    isAsked = true
    try {
      return await receiver.receive(options)
    } finally {
      isAsked = false
    }
  }
}

const watchedReceiver = (receiver: TransportReceiver, note: Note): TransportReceiver => ({
  receive: watchedReceive(receiver, note),
  close: () => receiver.close(),
})

const watchedSession = (session: SessionTransport, note: Note): SessionTransport => ({
  ...watchedReceiver(session, note),
  sessionId: session.sessionId,
  get lockedUntil() {
    return session.lockedUntil
  },
  renewLock: () => session.renewLock(),
})

const watchedTransport = (transport: QueueTransport, note: Note): QueueTransport => ({
  ...watchedReceiver(transport, note),
  lockMs: transport.lockMs,
  features: transport.features,
  send: (messages, options) => transport.send(messages, options),
  ...(transport.acceptSession && {
    async acceptSession(options) {
      const session = (await transport.acceptSession?.(options)) ?? null
      return session && watchedSession(session, note)
    },
  }),
  ...(transport.deadLetters && {
    deadLetters: () => watchedReceiver(transport.deadLetters?.() as TransportReceiver, note),
  }),
  ...(transport.probe && {
    probe: async (options) => (await transport.probe?.(options)) ?? { depth: undefined },
  }),
})

/** Watches how clients call a provider. */
export const watched = (provider: QueueProvider, note: Note): QueueProvider => ({
  name: provider.name,
  open: (queue) => watchedTransport(provider.open(queue), note),
})
