import type { Delivery, TransportReceiver } from '@queue-runtime/core/provider'
import type { ReceivingMutant } from '../mutant.ts'
import { altered, type Fault, fault, never, onAbort } from './altered.ts'

type Receive = TransportReceiver['receive']

const pulling = (change: (receive: Receive) => Receive): Fault =>
  fault({ receiver: ({ receive }) => ({ receive: change(receive) }) })

/** Waits as the change tells, for messages and for sessions alike. */
const waiting = (changed: (waitMs: number) => number): Fault =>
  fault({
    receiver: ({ receive }) => ({ receive: (options) => receive({ ...options, waitMs: changed(options.waitMs) }) }),
    transport: ({ acceptSession }) =>
      acceptSession === undefined
        ? {}
        : { acceptSession: (options) => acceptSession({ ...options, waitMs: changed(options.waitMs) }) },
  })

/** Hears the signal as the change tells, for messages and for sessions alike. */
const hearing = (changed: <T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) => Promise<T>): Fault =>
  fault({
    receiver: ({ receive }) => ({
      receive: (options) => changed((signal) => receive({ ...options, signal }), options.signal),
    }),
    transport: ({ acceptSession }) =>
      acceptSession === undefined
        ? {}
        : { acceptSession: (options) => changed((signal) => acceptSession({ ...options, signal }), options.signal) },
  })

const giveBack = async (deliveries: readonly Delivery[]): Promise<void> => {
  await Promise.all(deliveries.map((delivery) => delivery.abandon({ delayMs: 0 })))
}

/** Goes on receiving after an abort, for the next call, and closes without a look at what it has. */
const hoarding: Fault = fault({
  receiver({ receive }) {
    const hoard: Delivery[] = []
    return {
      async receive(options) {
        if (hoard.length > 0) return hoard.splice(0, options.maxMessages)
        try {
          return await receive(options)
        } catch (error) {
          if (options.signal.aborted) {
            receive({ maxMessages: 1, waitMs: 60_000, signal: never }).then(
              (deliveries) => hoard.push(...deliveries),
              () => {},
            )
          }
          throw error
        }
      },
    }
  },
})

const withBytesOfItsOwn = (): Fault => {
  const bodies = new Map<string, Uint8Array>()
  return fault({
    message({ messageId, body }) {
      const kept = bodies.get(messageId) ?? body
      bodies.set(messageId, kept)
      return { body: kept }
    },
  })
}

const losing: Fault = (setup) => {
  let count = 0
  return pulling((receive) => async (options) => {
    const deliveries = await receive(options)
    const kept: Delivery[] = []
    for (const delivery of deliveries) {
      count += 1
      if (count % 40 === 0) await delivery.complete()
      else kept.push(delivery)
    }
    return kept.length === 0 && deliveries.length > 0 ? receive(options) : kept
  })(setup)
}

export const receivingMutants: Readonly<Record<ReceivingMutant, Fault>> = {
  'gives up at once': waiting(() => 0),
  oversleeps: waiting((waitMs) => waitMs * 3),
  'waits although it is told not to': waiting((waitMs) => Math.max(waitMs, 60_000)),
  'waits for as many as it may give': pulling((receive) => async (options) => {
    const deliveries = await receive(options)
    while (options.waitMs > 0 && deliveries.length > 0 && deliveries.length < options.maxMessages) {
      deliveries.push(...(await receive({ ...options, maxMessages: options.maxMessages - deliveries.length })))
    }
    return deliveries
  }),
  'gives more than it is asked for': pulling((receive) => (options) => receive({ ...options, maxMessages: 10 })),
  'sleeps through a send': fault({
    receiver: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive({ ...options, waitMs: 0 })
        return deliveries.length > 0 || options.waitMs === 0 ? deliveries : onAbort(options.signal)
      },
    }),
    transport: ({ acceptSession }) =>
      acceptSession === undefined
        ? {}
        : {
            acceptSession: async (options) =>
              (await acceptSession({ ...options, waitMs: 0 })) ??
              (options.waitMs === 0 ? null : onAbort(options.signal)),
          },
  }),
  'hears no abort': hearing((call) => call(never)),
  'has a reason of its own': hearing((call, signal) =>
    call(signal).catch((error: unknown) => {
      throw signal.aborted ? new Error('The operation was aborted.') : error
    }),
  ),
  'takes messages for nobody': hearing((call, signal) =>
    signal.aborted ? call(never).then(() => onAbort(signal)) : call(signal),
  ),
  'swallows a message after an abort': hearing((call, signal) => Promise.race([call(never), onAbort(signal)])),
  'keeps what it has at hand when it closes': hoarding,
  'leaves a receive waiting when it closes': fault({
    receiver: ({ receive }) => ({
      async receive(options) {
        const deliveries = await receive(options)
        return deliveries.length === 0 && options.waitMs > 0 ? onAbort(options.signal) : deliveries
      },
    }),
  }),
  'closes only once': fault({
    transport({ close }) {
      let isClosed = false
      return {
        async close() {
          if (isClosed) throw new Error('The transport is closed already.')
          isClosed = true
          await close()
        },
      }
    },
  }),
  'has a queue for each transport': fault({
    transport({ send, receive }) {
      const own = new Set<string>()
      const isOwn = ({ message }: Delivery): boolean => own.has(message.messageId)
      return {
        async send(messages, options) {
          for (const { messageId } of messages) own.add(messageId)
          return send(messages, options)
        },
        async receive(options) {
          const deliveries = await receive(options)
          await giveBack(deliveries.filter((delivery) => !isOwn(delivery)))
          return deliveries.filter(isOwn)
        },
      }
    },
  }),
  'loses a message in a while': losing,
  'hands out its own bytes': (setup) => withBytesOfItsOwn()(setup),
  'hands out one at a time': fault({
    transport({ receive }) {
      let held: Delivery | undefined
      return {
        async receive(options) {
          if (held !== undefined && held.message.lockedUntil.getTime() > 0) return []
          const [delivery, ...rest] = await receive({ ...options, maxMessages: 1 })
          await giveBack(rest)
          if (delivery === undefined) return []
          held = delivery
          const free = (): void => {
            held = undefined
          }
          return [
            altered(delivery, {
              complete: () => delivery.complete().finally(free),
              abandon: (how) => delivery.abandon(how).finally(free),
            }),
          ]
        },
      }
    },
  }),
  'takes any name': (setup) => ({
    ...setup,
    provider: altered(setup.provider, {
      open: (queue) => setup.provider.open(/^[\w-]{1,260}$/.test(queue) ? queue.replaceAll('-', '_') : 'other'),
    }),
  }),
  'makes missing queues up': (setup) => ({
    ...setup,
    provider: altered(setup.provider, {
      open: (queue) => setup.provider.open(queue === setup.missingQueue ? setup.queue : queue),
    }),
  }),
  'probes by receiving': fault({
    transport: ({ receive, probe }) =>
      probe === undefined
        ? {}
        : {
            async probe(options) {
              await giveBack(await receive({ maxMessages: 1, waitMs: 0, signal: options.signal }))
              return probe(options)
            },
          },
  }),
  'tells any depth': fault({ transport: ({ probe }) => (probe ? { probe: async () => ({ depth: 7 }) } : {}) }),
  'probes in spite of an abort': fault({
    transport: ({ probe }) => (probe ? { probe: () => probe({ signal: never }) } : {}),
  }),
}
