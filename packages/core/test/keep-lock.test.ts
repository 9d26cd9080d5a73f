import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { QueueError } from '../src/index.ts'
import { keepLock } from '../src/settling/keep-lock.ts'
import { createSettlement } from '../src/settling/settlement.ts'
import { scriptedDelivery } from './client-support.ts'
import { stateOf, type WatchedClock, watchedClock } from './consuming-support.ts'
import { unwatched } from './support.ts'

const LOCK_MS = 30_000
const down = (): QueueError => new QueueError('ConnectionFailed', 'down')

interface Bench {
  readonly clock: WatchedClock
  /** When it was renewed or was tried to be, in milliseconds since the start. */
  readonly renewals: number[]
  readonly stop: AbortController
  readonly kept: Promise<void>
  /** The lock ends so many milliseconds after the start. */
  moveTo(ms: number): void
}

/** Keeps a lock; `renew` comes first: what it throws is the answer, and what it waits for makes the broker slow. */
const keep = (
  renew: (count: number, clock: WatchedClock) => unknown = () => {},
  { lockMs = LOCK_MS, renewMs = Number.POSITIVE_INFINITY }: { lockMs?: number; renewMs?: number | (() => number) } = {},
): Bench => {
  const clock = watchedClock()
  const start = clock.now()
  const renewals: number[] = []
  const stop = new AbortController()
  let until = start + lockMs
  const lock = {
    get lockedUntil() {
      return new Date(until)
    },
    async renewLock() {
      renewals.push(clock.now() - start)
      await renew(renewals.length, clock)
      until = clock.now() + lockMs
    },
  }
  const renewUntil = (): number => start + (typeof renewMs === 'number' ? renewMs : renewMs())
  const kept = keepLock(lock, { clock, renewUntil, signal: stop.signal })
  kept.catch(() => {})
  const moveTo = (ms: number): void => {
    until = start + ms
  }
  return { clock, renewals, stop, kept, moveTo }
}

describe('a lock that is kept (S12)', () => {
  it('is renewed at half of its time, again and again', async () => {
    const { clock, renewals, kept } = keep()
    await clock.advance(60_000)
    expect([renewals, await stateOf(kept)]).toEqual([[15_000, 30_000, 45_000, 60_000], 'pending'])
  })

  it('is left when the limit has come, and ends on time', async () => {
    const { clock, renewals, kept } = keep(undefined, { renewMs: 45_000 })
    await clock.advance(59_999)
    expect([renewals, await stateOf(kept)]).toEqual([[15_000, 30_000], 'pending'])
    await clock.advance(1)
    expect([renewals.length, await stateOf(kept), clock.sleepers]).toEqual([2, 'resolved', 0])
  })

  it('is not renewed at all with a limit of 0', async () => {
    const { clock, renewals, kept } = keep(undefined, { renewMs: 0 })
    await clock.advance(LOCK_MS)
    expect([renewals, await stateOf(kept)]).toEqual([[], 'resolved'])
  })

  it('goes on where the limit was moved: it is asked for each time', async () => {
    let limit = 20_000
    const { clock, renewals } = keep(undefined, { renewMs: () => limit })
    await clock.advance(25_000)
    limit = 60_000
    await clock.advance(40_000)
    expect(renewals.length).toBeGreaterThan(2)
  })

  it('waits for half of what is left where somebody else renewed it', async () => {
    const { clock, renewals, moveTo } = keep(undefined, { renewMs: 100_000 })
    moveTo(100_000)
    await clock.advance(57_499)
    expect(renewals).toEqual([15_000, 30_000, 45_000])
    moveTo(145_000)
    await clock.advance(2_501)
    expect(renewals).toEqual([15_000, 30_000, 45_000, 60_000])
  })

  it('is renewed in time however short it is', async () => {
    const { clock, renewals, kept } = keep(undefined, { lockMs: 150 })
    await clock.advance(1_000)
    expect([renewals.length, await stateOf(kept)]).toEqual([10, 'pending'])
  })

  it('that has no time is none', async () => {
    const clock = watchedClock()
    const lock = { lockedUntil: new Date(Number.NaN), renewLock: () => Promise.reject(new Error('asked')) }
    await keepLock(lock, { clock, renewUntil: () => Number.POSITIVE_INFINITY, signal: new AbortController().signal })
    expect(clock.sleepers).toBe(0)
  })
})

describe('a renewal that fails (S12, C10)', () => {
  it('is tried again at half of what is left, never faster than every 100 ms, until the lock ends', async () => {
    const { clock, renewals, kept } = keep(() => Promise.reject(down()))
    await clock.advance(LOCK_MS - 1)
    expect(await stateOf(kept)).toBe('pending')
    await clock.advance(1)
    expect([await stateOf(kept), clock.sleepers]).toEqual(['resolved', 0])
    const gaps = renewals.map((at, index) => at - (renewals[index - 1] ?? 0))
    expect(renewals.slice(0, 3)).toEqual([15_000, 22_500, 26_250])
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100)
    expect(renewals.length).toBe(9)
  })

  it('may succeed later', async () => {
    const { clock, renewals, kept } = keep((count) => (count < 3 ? Promise.reject(down()) : undefined))
    await clock.advance(60_000)
    expect([renewals.slice(0, 4), await stateOf(kept)]).toEqual([[15_000, 22_500, 26_250, 41_250], 'pending'])
  })

  it.each(['MessageLockLost', 'SessionLockLost', 'AlreadySettled'] as const)(
    'with %s is the end at once',
    async (code) => {
      const { clock, renewals, kept } = keep(() => Promise.reject(new QueueError(code, 'gone')))
      await clock.advance(15_000)
      expect([renewals, await stateOf(kept), clock.sleepers]).toEqual([[15_000], 'resolved', 0])
    },
  )

  it('that throws in place of rejecting is one like any other', async () => {
    const clock = watchedClock()
    const lock = {
      lockedUntil: new Date(clock.now() + LOCK_MS),
      renewLock(): Promise<void> {
        throw down()
      },
    }
    const kept = keepLock(lock, {
      ...{ clock, renewUntil: () => Number.POSITIVE_INFINITY },
      signal: new AbortController().signal,
    })
    await clock.advance(LOCK_MS)
    await kept
  })

  it('that takes its time keeps the lock; one that hangs is not waited for past its end', async () => {
    const slow = keep((_, clock) => clock.sleep(14_000))
    await slow.clock.advance(120_000)
    expect([await stateOf(slow.kept), slow.renewals.length]).toEqual(['pending', 4])
    const hanging = keep(() => new Promise(() => {}))
    await hanging.clock.advance(LOCK_MS)
    expect([await stateOf(hanging.kept), hanging.renewals, hanging.clock.sleepers]).toEqual(['resolved', [15_000], 0])
  })
})

describe('an abort (C6)', () => {
  it.each([
    ['between renewals', 5_000],
    ['while one is under way', 16_000],
  ])('%s ends the keeping at once, without a timer', async (_, ms) => {
    const { clock, stop, kept } = keep((__, { sleep }) => sleep(5_000))
    await clock.advance(ms)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(kept).rejects.toBe(reason)
    await clock.advance(10_000)
    expect([clock.sleepers, getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  })

  it('leaves nothing after a thousand renewals', async () => {
    const { clock, stop, kept } = keep()
    await clock.advance(15_000 * 1_000)
    expect([clock.sleepers, getEventListeners(stop.signal, 'abort').length]).toEqual([1, 1])
    stop.abort(new Error('enough'))
    await kept.catch(() => {})
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })
})

describe('a message that is being settled when its lock is to be renewed (S12)', () => {
  const settling = (completes: boolean) => {
    const clock = watchedClock()
    const { delivery, asked } = scriptedDelivery(clock)
    const slow = {
      ...delivery,
      async complete() {
        await clock.sleep(20_000)
        if (!completes) throw down()
      },
    }
    const context = { queue: 'orders', watch: unwatched, onEnd: () => {} }
    const settlement = createSettlement(slow, null, context)
    const { signal } = new AbortController()
    const kept = keepLock(settlement, { clock, renewUntil: () => Number.POSITIVE_INFINITY, signal })
    settlement.complete().catch(() => {})
    return { clock, asked, kept, settlement }
  }

  it('keeps it where settling fails', async () => {
    const { clock, asked, kept, settlement } = settling(false)
    await clock.advance(20_000)
    expect([asked, await stateOf(kept), settlement.isOpen]).toEqual([['renew'], 'pending', true])
  })

  it('has nothing to keep any more where it does not', async () => {
    const { clock, asked, kept, settlement } = settling(true)
    await clock.advance(20_000)
    expect([asked, await stateOf(kept), settlement.isDone]).toEqual([[], 'resolved', true])
  })
})
