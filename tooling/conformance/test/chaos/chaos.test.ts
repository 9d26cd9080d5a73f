import { randomBytes } from 'node:crypto'
import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { NonceStore } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { type ChaosReport, runChaos } from './run.ts'

/** The long run has more rounds, each with a seed of its own. */
const SCALE = Number(process.env.TEST_SCALE ?? 1)
const MESSAGES = 2_000

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

describe('chaos: four consumers while handlers, broker, key store, nonce store and the consumers themselves fail', () => {
  it.each(seeds())(
    'seed %i: every message ends handled or as a dead letter with a reason, and none is handled after its confirm (I2, I5)',
    async (seed) => {
      const report = await runChaos({ seed, messages: MESSAGES, sessions: false })
      const { handled, handlings, deadLetters, stops, copies, weather } = report
      const figures = JSON.stringify({ handled, handlings, deadLetters, stops, copies, weather })
      process.stdout.write(`chaos, seed ${seed}: ${figures}\n`)
      expect(wrongs(report)).toEqual(NOTHING_WRONG)
      // It was bad weather indeed, and most got through.
      expect(handled).toBeGreaterThan(MESSAGES * 0.9)
      expect(handlings).toBeGreaterThan(MESSAGES * 1.2)
      expect(Math.min(...Object.values(weather), ...Object.values(stops), copies)).toBeGreaterThan(5)
    },
    120_000,
  )
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

describe('chaos shows', () => {
  const run = (sabotage: NonNullable<Parameters<typeof runChaos>[0]['sabotage']>) =>
    runChaos({ seed: 7, messages: 300, sessions: false, sabotage })

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
})
