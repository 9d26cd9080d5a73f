import { randomUUID } from 'node:crypto'
import { QueueError } from '@queue-runtime/core'
import type { Delivery, QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import type { SettlingMutant } from '../mutant.ts'
import { wireMessage } from '../wire.ts'
import { altered, type Changes, type Fault, fault, never } from './altered.ts'

const done = async (): Promise<void> => {}

const ENDLESS = new Date(8.64e15)

const delivering = (delivery: NonNullable<Changes['delivery']>): Fault => fault({ delivery })
const showing = (message: NonNullable<Changes['message']>): Fault => fault({ message })

/** Whoever's lock ended is answered as if it had not; the rest of the delivery is sound. */
const late = (...names: readonly ('complete' | 'abandon' | 'deadLetter' | 'renewLock')[]): Fault =>
  delivering((delivery) => {
    const calls = {
      complete: () => delivery.complete().catch(done),
      abandon: (how: { delayMs: number }) => delivery.abandon(how).catch(done),
      deadLetter: (reason: { reason: string }) => delivery.deadLetter(reason).catch(done),
      renewLock: () => delivery.renewLock().catch(() => ENDLESS),
    }
    return Object.fromEntries(names.map((name) => [name, calls[name]]))
  })

/** As brokers do that have retries in a queue of their own: what comes back is sent anew, once. */
const toTheTail: Fault = (setup) => {
  const seen = new Set<string>()
  const resending =
    (receive: TransportReceiver['receive'], send: QueueTransport['send']): TransportReceiver['receive'] =>
    async (options) => {
      const deliveries = await receive(options)
      const back = deliveries.filter(({ message }) => message.deliveryCount > 1 && !seen.has(message.messageId))
      if (back.length === 0) return deliveries
      for (const delivery of back) {
        const { body, ...fields } = delivery.message
        seen.add(fields.messageId)
        await send([wireMessage(body, { ...fields, deduplicationId: randomUUID() })], { signal: never })
        await delivery.complete()
      }
      const kept = deliveries.filter((delivery) => !back.includes(delivery))
      return kept.length > 0 ? kept : receive(options)
    }
  return fault({
    transport: ({ receive, send }) => ({ receive: resending(receive, send) }),
    session: ({ receive }, { send }) => ({ receive: resending(receive, send) }),
  })(setup)
}

/** Whoever settles completes for whoever holds the message now. */
const forThePresentHolder: Fault = (setup) => {
  const present = new Map<string, Delivery>()
  const holderOf = (delivery: Delivery): Delivery => present.get(delivery.message.messageId) ?? delivery
  return fault({
    receiver: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive(options)
        for (const delivery of deliveries) present.set(delivery.message.messageId, delivery)
        return deliveries.map((delivery) =>
          altered(delivery, {
            complete: () => holderOf(delivery).complete(),
            abandon: (how) => holderOf(delivery).abandon(how),
            deadLetter: (reason) => holderOf(delivery).deadLetter(reason),
            renewLock: () => holderOf(delivery).renewLock(),
          }),
        )
      },
    }),
  })(setup)
}

/** As the client of a broker does that writes all settlements of a tick as one, with the outcome of the first. */
const merging: Fault = (setup) => {
  let outcome: ((delivery: Delivery) => Promise<void>) | undefined
  const settle = (delivery: Delivery, own: (delivery: Delivery) => Promise<void>): Promise<void> => {
    if (outcome === undefined) {
      outcome = own
      setImmediate(() => {
        outcome = undefined
      })
    }
    return outcome(delivery)
  }
  return delivering((delivery) => ({
    complete: () => settle(delivery, (one) => one.complete()),
    abandon: (how) => settle(delivery, (one) => one.abandon(how)),
    deadLetter: (reason) => settle(delivery, (one) => one.deadLetter(reason)),
  }))(setup)
}

const deadLetterUnder =
  (
    reason: (given: { readonly reason: string; readonly description?: string | undefined }) => {
      readonly reason: string
      readonly description?: string | undefined
    },
  ): NonNullable<Changes['delivery']> =>
  (delivery) => ({ deadLetter: (given) => delivery.deadLetter(reason(given)) })

const mixing: Fault = fault({
  transport({ receive, deadLetters }) {
    if (deadLetters === undefined) return {}
    let letters: TransportReceiver | undefined
    return {
      async receive(options) {
        letters ??= deadLetters()
        const found = await letters.receive({ ...options, waitMs: 0 })
        return found.length > 0 ? found : receive(options)
      },
    }
  },
})

export const settlingMutants: Readonly<Record<SettlingMutant, Fault>> = {
  'forgets locks': fault({
    receiver: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive(options)
        await Promise.all(deliveries.map((delivery) => delivery.abandon({ delayMs: 0 })))
        return deliveries.map((delivery) => altered(delivery, { complete: done }))
      },
    }),
  }),
  'claims an endless lock': showing(() => ({ lockedUntil: ENDLESS })),
  'knows no lock': showing(() => ({ lockedUntil: new Date(0) })),
  'renews nothing': delivering(({ message }) => ({ renewLock: async () => message.lockedUntil })),
  'shows the lock as it was': showing(({ lockedUntil }) => ({ lockedUntil })),
  'completes nothing': delivering(() => ({ complete: done })),
  'counts no deliveries': showing(() => ({ deliveryCount: 1 })),
  'counts from zero': showing(({ deliveryCount }) => ({ deliveryCount: deliveryCount - 1 })),
  'loses what is abandoned': delivering((delivery) => ({ abandon: () => delivery.complete() })),
  'keeps what is abandoned until its lock ends': delivering(() => ({ abandon: done })),
  'puts what comes back to the tail': toTheTail,
  'ignores the delay of abandon': delivering((delivery) => ({ abandon: () => delivery.abandon({ delayMs: 0 }) })),
  'delays no longer than a lock': fault(({ lockMs }) => ({
    delivery: (delivery) => ({ abandon: ({ delayMs }) => delivery.abandon({ delayMs: Math.min(delayMs, lockMs) }) }),
  })),
  'completes after the lock ended': late('complete'),
  'abandons after the lock ended': late('abandon'),
  'dead-letters after the lock ended': late('deadLetter'),
  'renews after the lock ended': late('renewLock'),
  'takes every holder for the present one': forThePresentHolder,
  'settles more than once': late('complete', 'abandon', 'deadLetter', 'renewLock'),
  'merges settlements': merging,
  'redelivers for ever': fault({
    transport: ({ receive, deadLetters, send }) =>
      deadLetters === undefined
        ? {}
        : {
            async receive(options) {
              const [letter] = await deadLetters().receive({ maxMessages: 1, waitMs: 0, signal: options.signal })
              if (letter === undefined) return receive(options)
              await send([{ ...letter.message, deduplicationId: 'again' } as never], options)
              await letter.complete()
              return receive(options)
            },
          },
  }),
  'dead-letters nothing': delivering(() => ({ deadLetter: done })),
  'drops the reason of dead letters': fault({
    deadLetters: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive(options)
        return deliveries.map((delivery) =>
          altered(delivery, { message: altered(delivery.message, { deadLettered: { reason: 'unknown' } }) }),
        )
      },
    }),
  }),
  'drops the fields of dead letters': fault({
    deadLetters: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive(options)
        return deliveries.map((delivery) =>
          altered(delivery, {
            message: altered(delivery.message, { attributes: {}, correlationId: undefined, contentType: undefined }),
          }),
        )
      },
    }),
  }),
  'describes every dead letter': delivering(
    deadLetterUnder(({ reason, description = '' }) => ({ reason, description: `${reason} ${description}` })),
  ),
  'mixes dead letters with the queue': mixing,
  'closes the queue with its dead letters': fault({
    transport({ deadLetters, send }) {
      if (deadLetters === undefined) return {}
      let isClosed = false
      return {
        deadLetters() {
          const letters = deadLetters()
          return altered(letters, {
            async close() {
              isClosed = true
              await letters.close()
            },
          })
        },
        async send(messages, options) {
          if (isClosed) throw new QueueError('ClientClosed', 'The transport is closed.')
          return send(messages, options)
        },
      }
    },
  }),
}
