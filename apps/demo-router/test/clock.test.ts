import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it } from 'vitest'
import { skippingClock } from '../src/clock.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A sleeper that notes when it woke. */
const sleeper = (clock: ReturnType<typeof skippingClock>, ms: number, signal?: AbortSignal) => {
  const woke: number[] = []
  clock.sleep(ms, signal).then(
    () => woke.push(clock.now()),
    () => woke.push(-1),
  )
  return woke
}

describe('the skipping clock', () => {
  it('runs with the clock of the machine', async () => {
    const machine = fakeClock(1_000)
    const clock = skippingClock(machine)
    const woke = sleeper(clock, 50)
    await machine.advance(49)
    expect(woke).toEqual([])
    await machine.advance(1)
    expect(woke).toEqual([1_050])
  })

  it('wakes those whose time has come by a skip, and only those', async () => {
    const clock = skippingClock(fakeClock(0))
    const soon = sleeper(clock, 5_000)
    const later = sleeper(clock, 5_001)
    await settled()
    clock.skip(5_000)
    await settled()
    expect(soon).toEqual([5_000])
    expect(later).toEqual([])
  })

  it('lets a sleeper sleep only for what is left after a skip', async () => {
    const machine = fakeClock(0)
    const clock = skippingClock(machine)
    const woke = sleeper(clock, 40_000)
    clock.skip(35_000)
    await machine.advance(4_999)
    expect(woke).toEqual([])
    await machine.advance(1)
    expect(woke).toEqual([40_000])
  })

  it('rejects with the reason of the signal, before and while it sleeps', async () => {
    const clock = skippingClock(fakeClock(0))
    const stop = new AbortController()
    const sleeping = clock.sleep(1_000, stop.signal)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await expect(clock.sleep(0, stop.signal)).rejects.toBe(reason)
  })
})
