import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import { envelopeOf } from './envelope.ts'
import { type Journal, now } from './journal.ts'

/** A provider whose deliveries are written down. `onReceived` is told of each before the client has it. */
export function watchedProvider(
  provider: QueueProvider,
  journal: Journal,
  onReceived: (broker: string, envelope: string) => void,
): QueueProvider {
  const watched = (delivery: Delivery): Delivery => {
    const { message } = delivery
    const letter = { broker: message.brokerMessageId, envelope: envelopeOf(message.body), id: message.messageId }
    onReceived(letter.broker, letter.envelope)
    journal.write({ fact: 'received', ...letter })
    return {
      message,
      async complete() {
        journal.write({ fact: 'deleting', ...letter })
        await delivery.complete()
        journal.write({ fact: 'deleted', ...letter })
      },
      abandon: (options) => delivery.abandon(options),
      async deadLetter(reason) {
        await delivery.deadLetter(reason)
        journal.write({ fact: 'buried', reason: reason.reason, ...letter })
      },
      renewLock: () => delivery.renewLock(),
    }
  }
  return {
    name: provider.name,
    open(queue) {
      const transport = provider.open(queue)
      return {
        ...transport,
        receive: async (options) => (await transport.receive(options)).map(watched),
      }
    },
  }
}

const envelope = ({ nonce }: NonceIdentity): string => Buffer.from(nonce).toString('hex')

/** A store whose answers are written down before anybody else has them. `onConfirmed` is called when that is done. */
export function watchedStore(store: NonceStore, journal: Journal, onConfirmed: () => void): NonceStore {
  return {
    async claim(requests) {
      const from = now()
      const answers = await store.claim(requests)
      for (const [index, request] of requests.entries()) {
        journal.write({ fact: 'claimed', envelope: envelope(request), answer: answers[index] ?? '', from })
      }
      return answers
    },
    async confirm(id, retainMs) {
      const from = now()
      const answer = await store.confirm(id, retainMs)
      journal.write({ fact: 'confirmed', envelope: envelope(id), answer, from })
      onConfirmed()
      return answer
    },
    renew: (id, leaseMs) => store.renew(id, leaseMs),
    release: (id, retainMs) => store.release(id, retainMs),
  }
}
