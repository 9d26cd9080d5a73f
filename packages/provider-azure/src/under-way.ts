import { type Place, timedOut } from './errors.ts'
import { fromSdk } from './sdk-errors.ts'

/** Calls of the SDK that may never end by themselves: here each does, with our errors. */
export interface UnderWay {
  readonly isEmpty: boolean
  /** Settles as the call does, or rejects with Timeout; the call then goes on unheard. */
  run<T>(place: Place, timeoutMs: number, call: () => Promise<T>): Promise<T>
  /** Ends all of them. */
  fail(errorOf: (place: Place) => Error): void
}

export function createUnderWay(): UnderWay {
  const failing = new Map<(error: Error) => void, Place>()
  return {
    get isEmpty() {
      return failing.size === 0
    },
    run: (place, timeoutMs, call) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => {
          over()
          reject(error)
        }
        const timer = setTimeout(() => fail(timedOut(place, timeoutMs)), timeoutMs).unref()
        const over = (): void => {
          clearTimeout(timer)
          failing.delete(fail)
        }
        failing.set(fail, place)
        call().then(
          (value) => {
            over()
            resolve(value)
          },
          (error: unknown) => fail(fromSdk(error, place)),
        )
      }),
    fail(errorOf) {
      for (const [fail, place] of failing) fail(errorOf(place))
    },
  }
}
