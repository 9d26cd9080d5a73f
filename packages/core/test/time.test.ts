import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/base/clock.ts'
import { QueueError } from '../src/index.ts'
import { createTurn } from '../src/receiving/turn.ts'
import { backoffMaker } from '../src/resilience/backoff.ts'
import { retrySettings } from '../src/resilience/retry.ts'
import { fakeClock } from '../src/testing.ts'

const never = new AbortController().signal

describe('the system clock', () => {
  it('wakes, and leaves no timer behind when it is aborted (C6)', async () => {
    await systemClock.sleep(1)
    const stop = new AbortController()
    const reason = new Error('enough')
    const sleeping = systemClock.sleep(3_600_000, stop.signal)
    stop.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await expect(systemClock.sleep(1, stop.signal)).rejects.toBe(reason)
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(3)
  })

  it('takes a sleep that is longer than a timer can be', async () => {
    const stop = new AbortController()
    const sleeping = systemClock.sleep(2 ** 40, stop.signal).then(() => 'woke')
    const first = await Promise.race([sleeping, systemClock.sleep(20).then(() => 'still asleep')])
    expect(first).toBe('still asleep')
    stop.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
  })
})

describe('fakeClock', () => {
  it('wakes sleepers in the order of their moments, each at its own', async () => {
    const clock = fakeClock(1_000)
    const woke: [string, number][] = []
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms)
      woke.push([name, clock.now()])
    }
    const sleeping = [sleep('late', 300), sleep('early', 100), sleep('early', 100).then(() => sleep('chained', 50))]
    await clock.advance(200)
    expect(woke).toEqual([
      ['early', 1_100],
      ['early', 1_100],
      ['chained', 1_150],
    ])
    await clock.advance(100)
    await Promise.all(sleeping)
    expect([woke.at(-1), clock.now()]).toEqual([['late', 1_300], 1_300])
  })

  it('forgets a sleeper whose signal aborts', async () => {
    const clock = fakeClock()
    const stop = new AbortController()
    const sleeping = clock.sleep(10, stop.signal)
    stop.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    await clock.advance(20)
  })
})

describe('backoff (R1)', () => {
  it('doubles from one second to thirty, follows a hint, and starts over', async () => {
    const clock = fakeClock()
    const pause = backoffMaker(retrySettings({ jitter: 0 }), clock, Math.random)()
    const waits: number[] = []
    const wait = async (hint?: number): Promise<void> => {
      const before = clock.now()
      const error = hint && new QueueError('Throttled', 'busy', { retryAfterMs: hint })
      const waiting = pause.wait(never, error).then(() => waits.push(clock.now() - before))
      await clock.advance(60_000)
      await waiting
    }
    for (const hint of [undefined, undefined, 123, undefined, undefined, undefined]) await wait(hint)
    pause.reset()
    await wait()
    expect(waits).toEqual([1_000, 2_000, 123, 8_000, 16_000, 30_000, 1_000])
  })
})

describe('a turn', () => {
  it('lets one through at a time, in the order of arrival', async () => {
    const turn = createTurn(fakeClock())
    const seen: string[] = []
    const work = (name: string) => async () => {
      seen.push(`${name} in`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${name} out`)
      return name
    }
    const results = await Promise.all(
      ['a', 'b', 'c'].map((name) => turn.take({ waitMs: 10, signal: never }, work(name))),
    )
    expect(results).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('goes on to the next when one throws, gives up or is aborted', async () => {
    const clock = fakeClock()
    const turn = createTurn(clock)
    const holding = Promise.withResolvers<void>()
    const first = turn.take({ waitMs: 0, signal: never }, async () => {
      await holding.promise
      throw new Error('first failed')
    })
    const stop = new AbortController()
    const late = turn.take({ waitMs: 5, signal: never }, async () => 'late')
    const aborted = turn.take({ waitMs: 100, signal: stop.signal }, async () => 'aborted')
    const last = turn.take({ waitMs: 100, signal: never }, async () => 'last')
    await clock.advance(5)
    expect(await late).toBeUndefined()
    stop.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    holding.resolve()
    await expect(first).rejects.toThrow('first failed')
    expect(await last).toBe('last')
    expect(await turn.take({ waitMs: 0, signal: never }, async () => 'free again')).toBe('free again')
  })

  it.each([0, 1, 2, 3, 4, 5, 6])('is not lost when it comes %i microtasks after an abort', async (microtasks) => {
    const turn = createTurn(fakeClock())
    const holding = Promise.withResolvers<void>()
    const stop = new AbortController()
    const first = turn.take({ waitMs: 0, signal: never }, () => holding.promise)
    const second = turn.take({ waitMs: 100, signal: stop.signal }, async () => 'second')
    second.catch(() => {})
    stop.abort(new Error('enough'))
    for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
    holding.resolve()
    await first
    await second.catch(() => {})
    expect(await turn.take({ waitMs: 0, signal: never }, async () => 'free')).toBe('free')
  })
})
