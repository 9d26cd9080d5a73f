/** What is under way, so that closing can wait for it. */
export interface Work {
  track<T>(task: Promise<T>): Promise<T>
  /** Resolves when nothing is under way, however it ended. */
  ended(): Promise<void>
}

export function createWork(): Work {
  const tasks = new Set<Promise<unknown>>()
  return {
    track(task) {
      const forget = (): void => void tasks.delete(task)
      tasks.add(task)
      task.then(forget, forget)
      return task
    },
    async ended() {
      // A task that ends may have begun another.
      while (tasks.size > 0) await Promise.allSettled(tasks)
    },
  }
}
