import { expect, test } from 'vitest'
import { type BrokerCall, randomFaults } from '../src/index.ts'

const call: BrokerCall = {
  ...{ queue: 'orders', operation: 'send', of: 'queue', nth: 1 },
  ...{ messageId: 'm', sessionId: undefined },
}

/** Gives `values`, one after the other. */
const dealt = (...values: readonly number[]): (() => number) => {
  const left = [...values]
  return () => left.shift() ?? 0
}

const outcomeOf = (hook: ReturnType<typeof randomFaults>): unknown => {
  const { delayMs, failBefore, failAfter } = hook(call) ?? {}
  return [failBefore?.code ?? null, failAfter?.code ?? null, delayMs]
}

test('PM8: each rate is a share of the random numbers, and what is left passes', () => {
  const rates = { errorRate: 0.2, lostAcknowledgementRate: 0.3, throttleRate: 0.1, retryAfterMs: 750 }
  const drawn = [0, 0.199, 0.2, 0.499, 0.5, 0.599, 0.601, 0.999]
  const hook = randomFaults({ ...rates, random: dealt(...drawn.flatMap((value) => [value, 0])) })
  expect(drawn.map(() => outcomeOf(hook))).toEqual([
    ['ConnectionFailed', null, 0],
    ['ConnectionFailed', null, 0],
    [null, 'Timeout', 0],
    [null, 'Timeout', 0],
    ['Throttled', null, 0],
    ['Throttled', null, 0],
    [null, null, 0],
    [null, null, 0],
  ])
  const throttled = randomFaults({ throttleRate: 1, retryAfterMs: 750, random: dealt(0.5) })(call)
  expect(throttled?.failBefore).toMatchObject({ code: 'Throttled', retryAfterMs: 750, isTransient: true })
})

test('PM8: a call is late by 0 to delayMs milliseconds, both included, whether it fails or not', () => {
  const hook = randomFaults({ errorRate: 0.5, delayMs: 20, random: dealt(0, 0, 0.9, 0.5, 0, 0.999) })
  expect([outcomeOf(hook), outcomeOf(hook), outcomeOf(hook)]).toEqual([
    ['ConnectionFailed', null, 0],
    [null, null, 10],
    ['ConnectionFailed', null, 20],
  ])
})

test('PM8: a rate of 1 fails every call, and without rates none fails', () => {
  const always = randomFaults({ errorRate: 1 })
  const never = randomFaults({})
  for (let count = 0; count < 1_000; count += 1) {
    expect(outcomeOf(always)).toEqual(['ConnectionFailed', null, 0])
    expect(outcomeOf(never)).toEqual([null, null, 0])
  }
})

const wrong: readonly (readonly [field: string, value: unknown])[] = [
  ['errorRate', 1.1],
  ['errorRate', -0.1],
  ['lostAcknowledgementRate', Number.NaN],
  ['throttleRate', '0.5'],
  ['retryAfterMs', -1],
  ['delayMs', 0.5],
  ['random', 0.5],
  ['rate', 0.5],
]

test.each(wrong)('C23: randomFaults names the option %s when it is %o', (field, value) => {
  const options = { [field]: value }
  expect(() => randomFaults(options)).toThrow(expect.objectContaining({ code: 'Configuration', facts: { field } }))
})

test('C23: rates that exceed 1 together are refused', () => {
  const rates = { errorRate: 0.5, lostAcknowledgementRate: 0.3, throttleRate: 0.3 }
  expect(() => randomFaults(rates)).toThrow(expect.objectContaining({ code: 'Configuration' }))
  expect(randomFaults({ ...rates, throttleRate: 0.2 })).toBeTypeOf('function')
})
