import type { Clock } from '@queue-runtime/core'

/** One sleep at a time. */
export interface Alarm {
  /** Rings at `moment`, or earlier: whoever it wakes looks at the clock and sets it anew. Infinity switches it off. */
  set(moment: number): void
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let armed: { readonly moment: number; readonly stop: AbortController } | undefined

  const disarm = (): void => {
    armed?.stop.abort()
    armed = undefined
  }

  return {
    set(moment) {
      if (armed !== undefined && armed.moment <= moment && moment !== Number.POSITIVE_INFINITY) return
      disarm()
      if (moment === Number.POSITIVE_INFINITY) return
      const mine = { moment, stop: new AbortController() }
      armed = mine
      const wake = (): void => {
        if (armed !== mine) return
        armed = undefined
        ring()
      }
      clock.sleep(Math.max(0, moment - clock.now()), mine.stop.signal).then(wake, () => {})
    },
  }
}
