import { randomBytes } from 'node:crypto'
import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery, TransportReceiver } from '@queue-runtime/core/provider'
import type { NonceStore } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { type ChaosReport, runChaos } from './run.ts'

/** The long run has more rounds, each with a seed of its own. */
const SCALE = Number(process.env.TEST_SCALE ?? 1)

const seeds = (): number[] => {
  if (process.env.TEST_SEED !== undefined) return [Number(process.env.TEST_SEED)]
  return SCALE === 1 ? [20_260_101] : Array.from({ length: SCALE }, () => randomBytes(4).readUInt32BE())
}

/** What must be empty or zero at the end. */
const wrongs = ({ lost, handledAfterConfirm, overtaken, stuck, lockedAfterClose }: ChaosReport) => ({
  ...{ lost, handledAfterConfirm, overtaken, stuck, lockedAfterClose },
})

const NOTHING_WRONG: ReturnType<typeof wrongs> = {
  lost: [],
  handledAfterConfirm: [],
  overtaken: [],
  stuck: 0,
  lockedAfterClose: 0,
}

describe.each([
  { what: 'a queue', sessions: false, messages: 2_000 },
  { what: 'a queue with sessions, each in its order', sessions: true, messages: 500 },
])('chaos on $what: handlers, broker, key store, nonce store and consumers fail', ({ sessions, messages }) => {
  const seen = new Map<string, number>()

  it.each(seeds())(
    'seed %i: every message ends handled or as a dead letter with a reason, and none is handled after its confirm (I2, I5, C15)',
    async (seed) => {
      const report = await runChaos({ seed, messages, sessions })
      const { handled, handlings, deadLetters, stops, copies, weather } = report
      const figures = JSON.stringify({ messages, sessions, handled, handlings, deadLetters, stops, copies, weather })
      process.stdout.write(`chaos, seed ${seed}: ${figures}\n`)
      expect(wrongs(report)).toEqual(NOTHING_WRONG)
      // It was bad weather indeed, and most got through.
      expect(handled).toBeGreaterThan(messages * 0.9)
      expect(handlings).toBeGreaterThan(messages * 1.2)
      expect(copies > 0).toBe(!sessions)
      for (const [kind, count] of Object.entries({ ...weather, ...stops }))
        seen.set(kind, (seen.get(kind) ?? 0) + count)
    },
    120_000,
  )

  it('with weather of every kind: one run may end before an outage begins', () => {
    expect(seen.size).toBeGreaterThan(6)
    expect([...seen].filter(([, count]) => count === 0)).toEqual([])
  })
})

const withDelivery =
  (change: (delivery: Delivery) => Partial<Delivery>) =>
  (provider: QueueProvider): QueueProvider => ({
    ...provider,
    open(queue) {
      const transport = provider.open(queue)
      return {
        ...transport,
        receive: async (options) =>
          (await transport.receive(options)).map((delivery) => ({ ...delivery, ...change(delivery) })),
      }
    },
  })

/** A store that grants what was handled before. */
const forgetful = (store: NonceStore): NonceStore => ({
  ...store,
  claim: async (requests) =>
    (await store.claim(requests)).map((answer) => (answer === 'completed' ? 'granted-again' : answer)),
})

/** Sessions whose second message comes first where there are two. */
const disorderly = (provider: QueueProvider): QueueProvider => ({
  ...provider,
  open(queue) {
    const transport = provider.open(queue)
    return {
      ...transport,
      async acceptSession(options) {
        const session = (await transport.acceptSession?.(options)) ?? null
        if (session === null) return null
        const receive: TransportReceiver['receive'] = async (each) => {
          const [first, ...rest] = await session.receive({ ...each, maxMessages: 2 })
          if (first === undefined || rest.length === 0) return first === undefined ? [] : [first]
          await first.abandon({ delayMs: 0 })
          return rest
        }
        return Object.defineProperties(
          { ...session, receive },
          Object.getOwnPropertyDescriptors({
            get lockedUntil() {
              return session.lockedUntil
            },
          }),
        )
      },
    }
  },
})

describe('chaos shows', () => {
  const run = (sabotage: NonNullable<Parameters<typeof runChaos>[0]['sabotage']>, sessions = false) =>
    runChaos({ seed: 7, messages: 300, sessions, sabotage })

  it('that a broker loses what is given back', async () => {
    const provider = withDelivery((delivery) => ({ abandon: () => delivery.complete() }))
    expect((await run({ provider })).lost).not.toEqual([])
  })

  it('that a broker keeps no reason with a dead letter', async () => {
    const provider = withDelivery((delivery) => ({ deadLetter: () => delivery.deadLetter({ reason: '' }) }))
    expect((await run({ provider })).lost).not.toEqual([])
  })

  it('that a nonce store forgets what was handled', async () => {
    expect((await run({ nonceStore: forgetful })).handledAfterConfirm).not.toEqual([])
  })

  it('that a broker leaves what is completed where it is', async () => {
    const provider = withDelivery(() => ({ complete: async () => {} }))
    const { stuck, deadLetters } = await run({ provider })
    expect(stuck + (deadLetters.MaxDeliveryCountExceeded ?? 0)).toBeGreaterThan(50)
  })

  it('that a broker hands out the messages of a session in another order', async () => {
    expect((await run({ provider: disorderly }, true)).overtaken).not.toEqual([])
  })
})
