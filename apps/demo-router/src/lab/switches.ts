import { QueueError, type QueueProvider } from '@queue-runtime/core'
import type { Delivery, QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'

/** Something that can be taken down and comes back. */
export interface Switch {
  readonly isDown: boolean
  turn(down: boolean): void
  /** Aborts when it goes down. */
  readonly falling: AbortSignal
}

export function createSwitch(): Switch {
  let falling = new AbortController()
  let isDown = false
  return {
    get isDown() {
      return isDown
    },
    get falling() {
      return falling.signal
    },
    turn(down) {
      if (down === isDown) return
      isDown = down
      if (down) falling.abort()
      else falling = new AbortController()
    },
  }
}

const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

const guarded = async <T>({ isDown }: Switch, call: () => Promise<T>): Promise<T> => {
  if (isDown) throw refused()
  return call()
}

/** A key store behind a switch. */
export const switchedKeys = (keys: KeyProvider, power: Switch): KeyProvider => ({
  getKey: (keyId, options) => guarded(power, () => keys.getKey(keyId, options)),
  currentKeyId: (options) => guarded(power, () => keys.currentKeyId(options)),
  ...(keys.validKeyIds && {
    validKeyIds: (options) => guarded(power, async () => (await keys.validKeyIds?.(options)) ?? []),
  }),
})

/** A nonce store behind a switch. */
export const switchedNonces = (store: NonceStore, power: Switch): NonceStore => ({
  claim: (requests) => guarded(power, () => store.claim(requests)),
  renew: (id, leaseMs) => guarded(power, () => store.renew(id, leaseMs)),
  confirm: (id, retainMs) => guarded(power, () => store.confirm(id, retainMs)),
  release: (id, retainMs) => guarded(power, () => store.release(id, retainMs)),
})

const connectionFailed = (): QueueError => new QueueError('ConnectionFailed', 'The broker does not answer.')

const reach = async <T>({ isDown }: Switch, call: () => Promise<T>): Promise<T> => {
  if (isDown) throw connectionFailed()
  return call()
}

const switchedDelivery = (delivery: Delivery, power: Switch): Delivery => ({
  message: delivery.message,
  complete: () => reach(power, () => delivery.complete()),
  abandon: (options) => reach(power, () => delivery.abandon(options)),
  deadLetter: (reason) => reach(power, () => delivery.deadLetter(reason)),
  renewLock: () => reach(power, () => delivery.renewLock()),
})

const switchedReceiver = (receiver: TransportReceiver, power: Switch): TransportReceiver => ({
  async receive(options) {
    const { falling } = power
    const signal = AbortSignal.any([options.signal, falling])
    try {
      const deliveries = await reach(power, () => receiver.receive({ ...options, signal }))
      return deliveries.map((delivery) => switchedDelivery(delivery, power))
    } catch (error) {
      // Whoever waits for messages sees the connection break.
      if (falling.aborted && !options.signal.aborted) throw connectionFailed()
      throw error
    }
  },
  close: () => receiver.close(),
})

const switchedTransport = (transport: QueueTransport, power: Switch): QueueTransport => {
  const { acceptSession, deadLetters, probe, lockMs, features } = transport
  return {
    ...{ lockMs, features },
    ...switchedReceiver(transport, power),
    send: (messages, options) => reach(power, () => transport.send(messages, options)),
    ...(acceptSession && {
      acceptSession: (options) =>
        reach(power, async () => {
          const session = await acceptSession.call(transport, options)
          if (session === null) return null
          return {
            ...switchedReceiver(session, power),
            sessionId: session.sessionId,
            get lockedUntil() {
              return session.lockedUntil
            },
            renewLock: () => reach(power, () => session.renewLock()),
          }
        }),
    }),
    ...(deadLetters && { deadLetters: () => switchedReceiver(deadLetters.call(transport), power) }),
    ...(probe && { probe: (options) => reach(power, () => probe.call(transport, options)) }),
  }
}

/** A broker behind a switch. */
export const switchedProvider = (provider: QueueProvider, power: Switch): QueueProvider => ({
  name: provider.name,
  open: (queue) => switchedTransport(provider.open(queue), power),
})
