import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QueueError } from '../src/index.ts'
import type { Claim, Delivery, Unprotected } from '../src/provider.ts'
import { createTaking, type Refused, type Sorted, sortVerdicts } from '../src/receiving/taking.ts'
import { createUnsettled } from '../src/settling/unsettled.ts'
import { fakeClock } from '../src/testing.ts'
import { scriptedDelivery } from './client-support.ts'
import { unwatched } from './support.ts'

const claimOf = (): Claim => ({ confirm: async () => {}, release: async () => {}, renew: async () => {} })

const VERDICTS = {
  opened: (): Unprotected => ({ body: new Uint8Array(0), seal: null, claim: claimOf() }),
  held: (): Unprotected => ({ error: new QueueError('KeyProviderError', 'down'), disposition: { action: 'hold' } }),
  abandoned: (): Unprotected => ({
    error: new QueueError('KeyNotFound', 'x', { facts: { keyId: 'k' } }),
    disposition: { action: 'abandon', delayMs: 5_000 },
  }),
  buried: (): Unprotected => ({
    error: new QueueError('AuthenticationFailed', 'x'),
    disposition: { action: 'dead-letter', reason: 'qr.rejected' },
  }),
  completed: (): Unprotected => ({
    error: new QueueError('NonceReused', 'x', { facts: { state: 'completed' } }),
    disposition: { action: 'complete' },
  }),
} as const

type Kind = keyof typeof VERDICTS
const KINDS = Object.keys(VERDICTS) as Kind[]

interface Message {
  readonly kind: Kind
  readonly sessionId: string | undefined
}

const sort = (messages: readonly Message[]) => {
  const clock = fakeClock()
  const deliveries = messages.map(({ sessionId }) => scriptedDelivery(clock, { sessionId }).delivery)
  const verdicts = messages.map(({ kind }) => VERDICTS[kind]())
  return { deliveries, verdicts, sorted: sortVerdicts(deliveries, verdicts) }
}

/** Where each message ended up, in the order in which they came. */
const placesOf = (deliveries: readonly Delivery[], sorted: Sorted): string[] =>
  deliveries.map((delivery) =>
    (['opened', 'refused', 'held', 'overtaking'] as const)
      .filter((place) => sorted[place].some((one) => one.delivery === delivery))
      .join(),
  )

/** `a:held` is a message of session a that is to be held; `opened` is one without a session. */
const parse = (text: string): Message[] =>
  text.split(' ').map((word) => {
    const [first, second] = word.split(':')
    return second === undefined
      ? { kind: first as Kind, sessionId: undefined }
      : { kind: second as Kind, sessionId: first }
  })

describe('the messages of one batch (C15, protocol.md 4.2)', () => {
  it.each([
    ['opened opened', 'opened opened'],
    ['held opened buried opened', 'held opened refused opened'],
    ['a:held a:opened a:opened', 'held held held'],
    ['a:opened a:held a:opened', 'opened held held'],
    ['a:abandoned a:opened a:opened', 'refused overtaking overtaking'],
    ['a:buried a:opened', 'refused opened'],
    ['a:completed a:opened', 'refused opened'],
    ['a:held b:opened opened a:opened', 'held opened opened held'],
    ['a:held a:abandoned a:opened', 'held refused overtaking'],
    ['a:abandoned a:held a:opened', 'refused refused overtaking'],
    ['a:held a:buried a:opened', 'held refused held'],
  ])('%s: %s', (given, expected) => {
    const { deliveries, sorted } = sort(parse(given))
    expect(placesOf(deliveries, sorted).join(' ')).toBe(expected)
  })

  it('that wait behind another one wait for the same, and keep the claim that they have', () => {
    const { sorted, verdicts } = sort(parse('a:held a:opened a:held'))
    const [first, second, third] = verdicts as [Refused, { claim: Claim }, Refused]
    expect(sorted.held.map(({ verdict }) => verdict)).toEqual([first, first, third])
    expect(sorted.held.map(({ claim }) => claim)).toEqual([null, second.claim, null])
  })

  it('that are to be held behind one that goes back go back at once, for their own reason', () => {
    const { sorted } = sort(parse('a:abandoned a:held'))
    expect(sorted.refused.map(({ verdict }) => [verdict.error.code, verdict.disposition])).toEqual([
      ['KeyNotFound', { action: 'abandon', delayMs: 5_000 }],
      ['KeyProviderError', { action: 'abandon', delayMs: 0 }],
    ])
  })

  it('are all somewhere, once, in order, and nothing passes one of its session that comes again', () => {
    const message = fc.record({ kind: fc.constantFrom(...KINDS), sessionId: fc.constantFrom('a', 'b', undefined) })
    const check = fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      const { deliveries, sorted } = sort(messages)
      const places = placesOf(deliveries, sorted)
      for (const list of Object.values(sorted)) {
        const positions = list.map(({ delivery }: { delivery: Delivery }) => deliveries.indexOf(delivery))
        expect(positions).toEqual(positions.toSorted((a: number, b: number) => a - b))
      }
      messages.forEach(({ kind, sessionId }, index) => {
        const before = messages.slice(0, index).filter((one) => sessionId !== undefined && one.sessionId === sessionId)
        const goesBack = before.some((one) => one.kind === 'abandoned')
        const waits = before.some((one) => one.kind === 'held')
        const expected = {
          opened: goesBack ? 'overtaking' : waits ? 'held' : 'opened',
          held: goesBack ? 'refused' : 'held',
          abandoned: 'refused',
          buried: 'refused',
          completed: 'refused',
        }[kind]
        expect(places[index]).toBe(expected)
      })
    })
    fc.assert(check, { seed: 20_260_101, numRuns: 300 })
  })
})

describe('the books of a client (C21)', () => {
  const setUp = () => {
    const clock = fakeClock()
    const unsettled = createUnsettled(clock)
    const taking = createTaking({ queue: 'orders', watch: unwatched, unsettled })
    const verdict = { body: new Uint8Array(0), seal: null, claim: null }
    return { clock, unsettled, taking, verdict }
  }

  it('hold what was handed over and what core settles itself, until it is settled', async () => {
    const { clock, unsettled, taking, verdict } = setUp()
    const all = [1, 2, 3, 4].map(() => scriptedDelivery(clock))
    const [one, two, three, four] = all.map(({ delivery }) => delivery) as [Delivery, Delivery, Delivery, Delivery]
    await taking.take({ delivery: one, verdict }).message.complete()
    taking.take({ delivery: two, verdict })
    taking.settlement(three)
    await taking.settlement(four).deadLetter({ reason: 'r' })
    await unsettled.release()
    expect(all.map(({ asked }) => asked)).toEqual([['complete'], ['abandon 0'], ['abandon 0'], ['dead-letter r']])
  })

  it('strike out what another settlement stands for', async () => {
    const { clock, unsettled, taking, verdict } = setUp()
    const { delivery, asked } = scriptedDelivery(clock)
    const first = taking.settlement(delivery)
    taking.take({ delivery, verdict })
    taking.forget(first)
    await unsettled.release()
    expect(asked).toEqual(['abandon 0'])
  })
})
