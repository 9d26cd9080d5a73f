import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'
import type { Process, Weather } from './weather.ts'

/** Tells envelopes apart: key id and nonce are in the header, at fixed offsets (protocol.md 1). */
export const envelopeOf = (body: Uint8Array): string => Buffer.from(body.subarray(14, 26)).toString('hex')

/** A provider whose calls go out into the weather. `onReceived` sees each delivery before the client does. */
export function stormyProvider(
  provider: QueueProvider,
  weather: Weather,
  by: Process,
  onReceived: (delivery: Delivery) => void,
): QueueProvider {
  const call = <T>(effect: () => Promise<T>): Promise<T> => weather.call('broker', by, effect)

  const stormy = (delivery: Delivery): Delivery => {
    onReceived(delivery)
    return {
      message: delivery.message,
      complete: () => call(() => delivery.complete()),
      abandon: (options) => call(() => delivery.abandon(options)),
      deadLetter: (reason) => call(() => delivery.deadLetter(reason)),
      renewLock: () => call(() => delivery.renewLock()),
    }
  }

  return {
    name: provider.name,
    open(queue) {
      const transport = provider.open(queue)
      const { acceptSession } = transport
      return {
        ...transport,
        send: (messages, options) => call(() => transport.send(messages, options)),
        receive: (options) => call(async () => (await transport.receive(options)).map(stormy)),
        ...(acceptSession && {
          acceptSession: (options) =>
            call(async () => {
              const session = await acceptSession.call(transport, options)
              return (
                session && {
                  ...session,
                  get lockedUntil() {
                    return session.lockedUntil
                  },
                  receive: (each) => call(async () => (await session.receive(each)).map(stormy)),
                  renewLock: () => call(() => session.renewLock()),
                }
              )
            }),
        }),
      }
    },
  }
}

export function stormyKeys(keys: KeyProvider, weather: Weather, by: Process): KeyProvider {
  const { validKeyIds } = keys
  return {
    getKey: (keyId) => weather.call('key store', by, () => keys.getKey(keyId)),
    currentKeyId: () => weather.call('key store', by, () => keys.currentKeyId()),
    ...(validKeyIds && { validKeyIds: () => weather.call('key store', by, () => validKeyIds.call(keys)) }),
  }
}

/** `onConfirmed` is told of each envelope that was marked as handled, whether or not the caller learns of it. */
export function stormyNonces(
  store: NonceStore,
  weather: Weather,
  by: Process,
  onConfirmed: (envelope: string) => void,
): NonceStore {
  const call = <T>(effect: () => Promise<T>): Promise<T> => weather.call('nonce store', by, effect)
  return {
    claim: (requests) => call(() => store.claim(requests)),
    renew: (id, leaseMs) => call(() => store.renew(id, leaseMs)),
    release: (id, retainMs) => call(() => store.release(id, retainMs)),
    confirm: (id, retainMs) =>
      call(async () => {
        const answer = await store.confirm(id, retainMs)
        if (answer !== 'lost') onConfirmed(Buffer.from(id.nonce).toString('hex'))
        return answer
      }),
  }
}
