import { MAX_BATCH_ENTRIES } from './limits.ts'

/** How long an entry waits for others, in milliseconds. */
const WINDOW_MS = 2

/** Joins calls about single messages into batches. */
export interface Coalescer<T> {
  /** Resolves or rejects with what became of this entry. */
  add(entry: T): Promise<void>
}

interface Waiting<T> {
  readonly entry: T
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** `run` makes one call for at most ten entries and resolves with an error or null for each; where it rejects, all have failed so. */
export function createCoalescer<T>(run: (entries: readonly T[]) => Promise<readonly (Error | null)[]>): Coalescer<T> {
  let waiting: Waiting<T>[] = []
  let timer: NodeJS.Timeout | undefined

  const settle = async (batch: readonly Waiting<T>[]): Promise<void> => {
    try {
      const errors = await run(batch.map(({ entry }) => entry))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const error = errors[index]
        if (error === null) resolve()
        else reject(error)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    void settle(batch)
  }

  return {
    add: (entry) =>
      new Promise((resolve, reject) => {
        waiting.push({ entry, resolve, reject })
        if (waiting.length === MAX_BATCH_ENTRIES) flush()
        else timer ??= setTimeout(flush, WINDOW_MS)
      }),
  }
}
