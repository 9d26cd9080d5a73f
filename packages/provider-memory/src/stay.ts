import type { Waiter } from './waiting-room.ts'

/** What one caller waits for, so that it can be sent away when it closes. */
export interface Stay {
  readonly isOver: boolean
  /** Resolves with what came, or with nothing at the deadline, on abort and at the end of the stay. */
  wait<T>(waiter: Waiter<T>, signal: AbortSignal): Promise<T | undefined>
  end(): void
}

export function createStay(): Stay {
  const leaves = new Set<() => void>()
  let isOver = false

  return {
    get isOver() {
      return isOver
    },
    async wait(waiter, signal) {
      const leave = (): void => waiter.leave()
      leaves.add(leave)
      signal.addEventListener('abort', leave, { once: true })
      try {
        return await waiter.answer
      } finally {
        signal.removeEventListener('abort', leave)
        leaves.delete(leave)
      }
    },
    end() {
      isOver = true
      for (const leave of leaves) leave()
    },
  }
}
