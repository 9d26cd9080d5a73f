/** Lets so many work at once; others wait for their turn, in order. */
export interface Slots {
  /** @throws what `work` throws · `signal.reason`, while it waits */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export function createSlots(width: number): Slots {
  const waiting = new Set<() => void>()
  let free = width

  const enter = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    if (free > 0) {
      free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        waiting.delete(start)
        reject(signal.reason)
      }
      const start = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      waiting.add(start)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  const leave = (): void => {
    const [next] = waiting
    if (next === undefined) {
      free += 1
      return
    }
    waiting.delete(next)
    next()
  }

  return {
    async run(signal, work) {
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
