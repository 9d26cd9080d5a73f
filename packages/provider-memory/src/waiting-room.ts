import { createHeap } from './heap.ts'

/** Somebody who waits for a `T`. */
export interface Waiter<T> {
  /** Rises from one to the next, over all lines of a room. */
  readonly order: number
  /** Resolves with what came, or with nothing. */
  readonly answer: Promise<T | undefined>
  /** Gives it what there is for it and ends its wait; returns false where there is nothing. */
  serve(now: number): boolean
  /** Ends the wait; nothing is given to a waiter that has left. */
  leave(): void
  fail(error: Error): void
}

/** Those who wait for the same, first come first served. */
export interface Line<T> {
  first(): Waiter<T> | undefined
  /** `find` takes what there is for this waiter; undefined where there is nothing yet. */
  join(deadline: number, find: (now: number) => T | undefined): Waiter<T>
}

/** All lines of a queue, with their next deadline at hand. */
export interface WaitingRoom {
  readonly size: number
  openLine<T>(): Line<T>
  /** Sends away those whose deadline has come. */
  leaveLate(now: number): void
  /** The next deadline; Infinity where nobody waits. */
  nextDeadline(): number
}

/** Serves as many of a line as can be served. */
export function serveLine<T>(line: Line<T>, now: number): void {
  for (let next = line.first(); next?.serve(now) === true; next = line.first()) {}
}

export function createWaitingRoom(): WaitingRoom {
  const deadlines = createHeap<{ readonly leave: () => void; readonly at: number }>((a, b) => a.at < b.at)
  let lastOrder = 0
  let size = 0

  const nextDeadline = (): number => deadlines.first()?.at ?? Number.POSITIVE_INFINITY

  return {
    get size() {
      return size
    },
    openLine<T>(): Line<T> {
      const waiters = new Set<Waiter<T>>()
      return {
        first() {
          const [waiter] = waiters
          return waiter
        },
        join(at, find) {
          const { promise: answer, resolve, reject } = Promise.withResolvers<T | undefined>()
          const go = (end: () => void): void => {
            if (!waiters.delete(waiter)) return
            size -= 1
            deadlines.delete(place)
            end()
          }
          lastOrder += 1
          const waiter: Waiter<T> = {
            order: lastOrder,
            answer,
            serve(now) {
              const found = find(now)
              if (found !== undefined) go(() => resolve(found))
              return found !== undefined
            },
            leave: () => go(() => resolve(undefined)),
            fail: (error) => go(() => reject(error)),
          }
          const place = deadlines.add({ leave: waiter.leave, at })
          waiters.add(waiter)
          size += 1
          return waiter
        },
      }
    },
    leaveLate(now) {
      while (nextDeadline() <= now) deadlines.first()?.leave()
    },
    nextDeadline,
  }
}
