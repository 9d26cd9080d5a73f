import { createHeap, type Place } from './heap.ts'

/** Who is due when. Each stands on it once at most. */
export interface Agenda<T> {
  /** Enters `who` for `moment` in place of any earlier entry; Infinity only takes the earlier one off. */
  set(who: T, moment: number): void
  /** The moment of the first, or Infinity. */
  next(): number
  /** Takes off and returns the first one due at `now` or before. */
  takeDue(now: number): { readonly who: T; readonly moment: number } | undefined
}

interface Entry<T> {
  readonly who: T
  readonly moment: number
}

export function createAgenda<T>(): Agenda<T> {
  const entries = createHeap<Entry<T>>((a, b) => a.moment < b.moment)
  const places = new Map<T, Place<Entry<T>>>()

  const strike = (who: T): void => {
    const place = places.get(who)
    if (place === undefined) return
    places.delete(who)
    entries.delete(place)
  }

  return {
    set(who, moment) {
      strike(who)
      if (moment !== Number.POSITIVE_INFINITY) places.set(who, entries.add({ who, moment }))
    },
    next: () => entries.first()?.moment ?? Number.POSITIVE_INFINITY,
    takeDue(now) {
      const first = entries.first()
      if (first === undefined || first.moment > now) return undefined
      strike(first.who)
      return first
    },
  }
}
