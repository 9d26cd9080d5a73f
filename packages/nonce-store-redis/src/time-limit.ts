import { fromRedis, refusalOf, timedOut } from './errors.ts'

/** Settles as the work does, or rejects with NonceStoreUnavailable when the time is over; the work then goes on unheard. */
export type TimeLimit = <T>(work: Promise<T>) => Promise<T>

/** `trouble`: returns what stands in the way of the connection, where that is known. */
export const createTimeLimit =
  (timeoutMs: number, trouble: () => unknown): TimeLimit =>
  async (work) => {
    let giveUp = (): void => {}
    const over = new Promise<never>((_, reject) => {
      giveUp = () => {
        const cause = trouble()
        reject(timedOut(timeoutMs, cause === undefined ? undefined : refusalOf(cause)))
      }
    })
    // An answer that lies ready while this process was busy is taken before the time is over.
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs)
    try {
      return await Promise.race([work, over])
    } catch (error) {
      throw fromRedis(error)
    } finally {
      clearTimeout(timer)
    }
  }
