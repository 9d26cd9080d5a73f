import { describe, expect, it } from 'vitest'
import type { Settlement } from '../src/settling/settlement.ts'
import { createUnsettled } from '../src/settling/unsettled.ts'
import { fakeClock } from '../src/testing.ts'

describe('what a client handed over and nobody settled', () => {
  it('is given back on close, and forgotten once its lock is gone, so that memory stays flat (C21)', async () => {
    const clock = fakeClock()
    const unsettled = createUnsettled(clock)
    const released: number[] = []
    const settlement = (lockedUntilMs: number): Settlement => ({
      isOpen: true,
      isSettled: false,
      isDone: false,
      lockedUntil: new Date(lockedUntilMs),
      complete: async () => {},
      abandon: async () => {},
      deadLetter: async () => {},
      renewLock: async () => new Date(lockedUntilMs),
      renewClaim: async () => {},
      release: async () => void released.push(lockedUntilMs),
    })
    for (let round = 1; round <= 1_000; round += 1) {
      unsettled.add(settlement(round * 10))
      if (round % 100 === 0) await clock.advance(1_000)
    }
    const kept = settlement(99_999)
    const settled = settlement(99_998)
    unsettled.add(kept)
    unsettled.add(settled)
    unsettled.delete(settled)
    await unsettled.release()
    expect(released.length).toBeLessThan(200)
    expect(released).toContain(99_999)
    expect(released).not.toContain(99_998)
  })
})
