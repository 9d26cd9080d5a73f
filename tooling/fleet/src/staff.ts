import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './children.ts'
import type { Random } from './random.ts'

/** Receivers at work: one that is killed, or kills itself, has a successor with a journal of its own. */
export interface Staff {
  /** How many were killed so far. */
  readonly kills: number
  /** Resolves when all of them are at work. */
  hire(): Promise<void>
  /** Kills one or the other until the signal aborts. */
  killNowAndThen(over: AbortSignal): Promise<void>
  /** Lets them finish what they have in hand; rejects where one of them has failed. */
  dismiss(): Promise<void>
}

export function createStaff(size: number, start: (name: string) => Promise<Child>, random: Random): Staff {
  const atWork: Child[] = []
  let hired = 0
  let kills = 0
  let isDismissed = false

  const next = (): Promise<Child> => start(`receiver-${hired++}`)

  const keepFilled = async (place: number, first: Child): Promise<void> => {
    for (let child = first; ; child = await next()) {
      atWork[place] = child
      // The last of them may have come when all were told to go.
      if (isDismissed) return child.finish()
      await child.finished
      if (isDismissed) return
      kills += 1
    }
  }

  let places: Promise<unknown> = Promise.resolve()

  return {
    get kills() {
      return kills
    },
    async hire() {
      const first = await Promise.all(Array.from({ length: size }, next))
      places = Promise.all(first.map((child, place) => keepFilled(place, child)))
      // Told when they are dismissed.
      places.catch(() => {})
    },
    async killNowAndThen(over) {
      while (!over.aborted) {
        await sleep(random.between(500, 4_000), undefined, { signal: over }).catch(() => {})
        if (!over.aborted) await atWork[random.below(size)]?.kill()
      }
    },
    async dismiss() {
      isDismissed = true
      await Promise.all(atWork.map((child) => child.finish()))
      await places
    },
  }
}
