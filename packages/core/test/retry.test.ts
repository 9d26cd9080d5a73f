import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QueueError } from '../src/index.ts'
import { createRetry, pauseMs, type Retry, type RetryOptions, retrySettings } from '../src/resilience/retry.ts'
import { stateOf, type WatchedClock, watchedClock } from './consuming-support.ts'

const transient = (retryAfterMs?: number): QueueError =>
  retryAfterMs === undefined
    ? new QueueError('ProviderError', 'down', {
        facts: { provider: 'p', providerCode: '503' },
        isTransient: true,
      })
    : new QueueError('Throttled', 'slow down', { retryAfterMs })

interface Bench {
  readonly clock: WatchedClock
  readonly retry: Retry
  readonly pauses: number[]
  /** Milliseconds since the start. */
  now(): number
}

const setUp = (options: RetryOptions | false = { jitter: 0 }, random = (): number => 0.5): Bench => {
  const clock = watchedClock()
  const start = clock.now()
  const pauses: number[] = []
  const onRetry = (_: string, __: unknown, pause: number): void => void pauses.push(pause)
  const retry = createRetry(retrySettings(options), { clock, random, onRetry })
  return { clock, retry, pauses, now: () => clock.now() - start }
}

const never = new AbortController().signal

/** Runs attempts that fail as they are told, and tells when each began. */
const failing = (
  { retry, now }: Bench,
  errors: readonly unknown[],
  limits: Parameters<Retry['run']>[1] = { signal: never },
) => {
  const begun: number[] = []
  const left = [...errors]
  const result = retry.run('send', limits, async () => {
    begun.push(now())
    if (left.length > 0) throw left.shift()
    return 'through'
  })
  result.catch(() => {})
  return { begun, result }
}

describe('the pauses between attempts', () => {
  it.each([
    ['the defaults', {}, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['a slower start', { initialMs: 7_000 }, [7_000, 14_000, 28_000, 30_000]],
    ['no growth', { factor: 1 }, [1_000, 1_000, 1_000]],
    ['another factor and limit', { initialMs: 10, factor: 3, maxMs: 100 }, [10, 30, 90, 100]],
    ['a limit below the first pause', { initialMs: 500, maxMs: 200 }, [200, 200]],
    ['none', { initialMs: 0 }, [0, 0, 0]],
  ])('with %s are exact without jitter (R1, R2)', (_, options, expected) => {
    const settings = retrySettings({ ...options, jitter: 0 })
    const pauses = expected.map((__, index) => pauseMs(index + 1, settings, Math.random))
    expect(pauses).toEqual(expected)
  })

  it('are multiplied by 0.8 to 1.2, and then cut at the limit (R2)', () => {
    const at = (random: number): number[] =>
      [1, 2, 5, 6].map((n) => Math.round(pauseMs(n, retrySettings({}), () => random)))
    expect(at(0)).toEqual([800, 1_600, 12_800, 24_000])
    expect(at(0.5)).toEqual([1_000, 2_000, 16_000, 30_000])
    expect(at(1)).toEqual([1_200, 2_400, 19_200, 30_000])
  })

  it('stay within their bounds whatever the options and the dice are (R1, R2)', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const options = fc.record({
      initialMs: fc.nat(100_000),
      maxMs: fc.nat(1_000_000),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      jitter: share,
    })
    const check = fc.property(options, fc.integer({ min: 1, max: 400 }), share, (given, n, dice) => {
      const settings = retrySettings(given)
      const exact = pauseMs(n, { ...settings, jitter: 0 }, () => dice)
      const pause = pauseMs(n, settings, () => dice)
      const grown = given.initialMs === 0 ? 0 : given.initialMs * given.factor ** (n - 1)
      expect(exact).toBe(Math.min(given.maxMs, grown))
      expect(pause).toBeGreaterThanOrEqual(Math.min(given.maxMs, exact * (1 - given.jitter)) - 1e-6)
      expect(pause).toBeLessThanOrEqual(Math.min(given.maxMs, exact * (1 + given.jitter)) + 1e-6)
    })
    fc.assert(check, { seed: 20_260_101, numRuns: 500 })
  })
})

describe('a call that fails', () => {
  it('is made three times in all, a second and two seconds apart (R1, section 0)', async () => {
    const bench = setUp()
    const last = transient()
    const { begun, result } = failing(bench, [transient(), transient(), last])
    await bench.clock.advance(60_000)
    await expect(result).rejects.toBe(last)
    expect([begun, bench.pauses]).toEqual([
      [0, 1_000, 3_000],
      [1_000, 2_000],
    ])
  })

  it('resolves with what an attempt brought (R1)', async () => {
    const bench = setUp()
    const { begun, result } = failing(bench, [transient()])
    await bench.clock.advance(1_000)
    expect([await result, begun]).toEqual(['through', [0, 1_000]])
  })

  it('rolls the dice anew for each pause (R2)', async () => {
    const dice = [0, 1]
    const bench = setUp({}, () => dice.shift() ?? 0.5)
    failing(bench, [transient(), transient()])
    await bench.clock.advance(10_000)
    expect(bench.pauses.map(Math.round)).toEqual([800, 2_400])
  })

  it.each([
    ['permanent', new QueueError('PermissionDenied', 'no')],
    ['none of ours', new TypeError('odd')],
    ['a gate that is shut, which says when to come again', new QueueError('CircuitOpen', 'shut', { retryAfterMs: 5 })],
  ])('is not made again where the error is %s (R3)', async (_, error) => {
    const bench = setUp()
    const { begun, result } = failing(bench, [error])
    await expect(result).rejects.toBe(error)
    expect([begun, bench.clock.sleepers]).toEqual([[0], 0])
  })

  it('is not made again with retry: false (R1)', async () => {
    const bench = setUp(false)
    const error = transient()
    const { begun, result } = failing(bench, [error])
    await expect(result).rejects.toBe(error)
    expect(begun).toEqual([0])
  })

  it('follows the hint of the broker in place of the computed pause, longer or shorter, without jitter (R3)', async () => {
    const bench = setUp({ maxAttempts: 4, jitter: 1 }, () => 1)
    const { begun, result } = failing(bench, [transient(45_000), transient(10), transient(0)])
    await bench.clock.advance(60_000)
    expect([await result, begun]).toEqual(['through', [0, 45_000, 45_010, 45_010]])
  })

  it.each(['SessionLocked', 'Timeout', 'ConnectionFailed'] as const)(
    'waits for %s as long as section 0 says (R3, E1)',
    async (code) => {
      const bench = setUp({ maxAttempts: 2 })
      const facts = { lockedUntil: undefined }
      const error = code === 'SessionLocked' ? new QueueError(code, 'x', { facts }) : new QueueError(code, 'x')
      failing(bench, [error])
      await bench.clock.advance(60_000)
      expect(bench.pauses).toEqual([{ SessionLocked: 5_000, Timeout: 1_000, ConnectionFailed: 5_000 }[code]])
    },
  )

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('takes a hint of %s for none (R3)', async (hint) => {
    const bench = setUp({ maxAttempts: 2, jitter: 0 })
    failing(bench, [transient(hint)])
    await bench.clock.advance(1_000)
    expect(bench.pauses).toEqual([1_000])
  })
})

describe('the time for all attempts (R3)', () => {
  it('is 300 s: no pause begins that would pass it', async () => {
    const bench = setUp({ maxAttempts: 100, initialMs: 30_000, jitter: 0 })
    const { begun, result } = failing(
      bench,
      Array.from({ length: 100 }, () => transient()),
    )
    await bench.clock.advance(3_600_000)
    await expect(result).rejects.toMatchObject({ code: 'ProviderError' })
    expect(begun).toEqual([0, 30_000, 60_000, 90_000, 120_000, 150_000, 180_000, 210_000, 240_000, 270_000])
  })

  it('is not passed for a hint either: the error of the broker comes at once', async () => {
    const bench = setUp()
    const error = transient(300_000)
    const { result } = failing(bench, [error])
    await expect(result).rejects.toBe(error)
    expect(bench.clock.sleepers).toBe(0)
  })

  it.each([1, 2, 3])('ends attempt %i where it hangs, with Timeout', async (hanging) => {
    const bench = setUp()
    let made = 0
    const result = bench.retry.run('send', { signal: never }, (signal) => {
      made += 1
      if (made < hanging) throw transient()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    result.catch(() => {})
    await bench.clock.advance(299_999)
    expect(await stateOf(result)).toBe('pending')
    await bench.clock.advance(1)
    await expect(result).rejects.toMatchObject({ code: 'Timeout', operation: 'send', isTransient: true })
    expect([made, bench.clock.sleepers]).toEqual([hanging, 0])
  })

  it('cuts no wait short that the caller asked for (C4)', async () => {
    const bench = setUp({ totalMs: 1_000, jitter: 0 })
    const deadline = bench.clock.now() + 60_000
    const result = bench.retry.run('receive', { signal: never, deadline }, async (signal) => {
      await bench.clock.sleep(60_000, signal)
      return 'nothing came'
    })
    await bench.clock.advance(60_000)
    expect(await result).toBe('nothing came')
  })

  it('ends ten seconds after such a wait where the broker does not come back from it', async () => {
    const bench = setUp()
    const deadline = bench.clock.now() + 600_000
    const result = bench.retry.run('receive', { signal: never, deadline }, (signal) =>
      bench.clock.sleep(3_600_000, signal),
    )
    result.catch(() => {})
    await bench.clock.advance(609_999)
    expect(await stateOf(result)).toBe('pending')
    await bench.clock.advance(1)
    await expect(result).rejects.toMatchObject({ code: 'Timeout' })
  })
})

describe('a deadline (R5)', () => {
  it.each([
    [3_001, [0, 1_000, 3_000]],
    [3_000, [0, 1_000]],
    [1_000, [0]],
    [0, [0]],
  ])('of %i ms is passed by no pause: attempts begin at %j', async (waitMs, expected) => {
    const bench = setUp()
    const deadline = bench.clock.now() + waitMs
    const { begun, result } = failing(bench, [transient(), transient(), transient()], { signal: never, deadline })
    await bench.clock.advance(60_000)
    await expect(result).rejects.toMatchObject({ code: 'ProviderError' })
    expect(begun).toEqual(expected)
  })
})

describe('an abort (C6)', () => {
  it.each(['in a pause', 'in an attempt'] as const)('%s rejects at once with its reason', async (where) => {
    const bench = setUp()
    const stop = new AbortController()
    const reason = new Error('enough')
    const result = bench.retry.run('send', { signal: stop.signal }, (signal) => {
      if (where === 'in a pause') throw transient()
      return bench.clock.sleep(10_000, signal)
    })
    result.catch(() => {})
    await bench.clock.advance(500)
    stop.abort(reason)
    await expect(result).rejects.toBe(reason)
    expect([bench.clock.sleepers, getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  })

  it('that an attempt answers with an error of its own rejects with the reason all the same', async () => {
    const bench = setUp()
    const stop = new AbortController()
    const reason = new Error('enough')
    const result = bench.retry.run('send', { signal: stop.signal }, async () => {
      stop.abort(reason)
      throw new TypeError('odd')
    })
    await expect(result).rejects.toBe(reason)
    expect(bench.pauses).toEqual([])
  })

  it('that came before reaches the attempt', async () => {
    const bench = setUp()
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(bench.retry.run('send', { signal }, async (each) => each.throwIfAborted())).rejects.toBe(reason)
  })
})

describe('what a call leaves behind (C6)', () => {
  it.each(['resolves', 'fails for good', 'is given up'] as const)(
    'is no timer and no listener where it %s',
    async (end) => {
      const bench = setUp()
      const { signal } = new AbortController()
      const errors = {
        resolves: [transient()],
        'fails for good': [new Error('odd')],
        'is given up': [1, 2, 3].map(() => transient()),
      }
      const { result } = failing(bench, errors[end], { signal })
      await bench.clock.advance(10_000)
      await result.catch(() => {})
      expect([bench.clock.sleepers, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
    },
  )

  it('does not grow over ten thousand calls with one signal', async () => {
    const bench = setUp()
    const { signal } = new AbortController()
    for (let count = 0; count < 10_000; count += 1) {
      await bench.retry.run('send', { signal }, async () => 'through')
    }
    await bench.clock.advance(0)
    expect([bench.clock.sleepers, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
  })
})
