import type { Clock } from '@queue-runtime/core'

/** One sleep at a time. */
export interface Alarm {
  /** Rings at `moment`, or before; Infinity switches it off and leaves no timer. */
  set(moment: number): void
}

/** It may ring early (an earlier moment was asked for before, a timer of Node fires early): whoever it wakes looks and sets it anew. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let armed: { readonly moment: number; readonly stop: AbortController } | undefined

  const disarm = (): void => {
    armed?.stop.abort()
    armed = undefined
  }

  const arm = (moment: number): void => {
    const stop = new AbortController()
    const mine = { moment, stop }
    armed = mine
    const onWake = (): void => {
      if (armed !== mine) return
      armed = undefined
      ring()
    }
    clock.sleep(Math.max(0, moment - clock.now()), stop.signal).then(onWake, () => {})
  }

  return {
    set(moment) {
      if (moment === Number.POSITIVE_INFINITY) return disarm()
      if (armed !== undefined && armed.moment <= moment) return
      disarm()
      arm(moment)
    },
  }
}
