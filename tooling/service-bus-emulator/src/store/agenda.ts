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
  /** Those of one moment come in the order in which they were entered. */
  readonly order: number
}

export function createAgenda<T>(): Agenda<T> {
  const entries = createHeap<Entry<T>>((a, b) => a.moment < b.moment || (a.moment === b.moment && a.order < b.order))
  const places = new Map<T, Place<Entry<T>>>()
  let entered = 0

  const strike = (who: T): void => {
    const place = places.get(who)
    if (place === undefined) return
    places.delete(who)
    entries.delete(place)
  }

  return {
    set(who, moment) {
      strike(who)
      if (moment === Number.POSITIVE_INFINITY) return
      entered += 1
      places.set(who, entries.add({ who, moment, order: entered }))
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
