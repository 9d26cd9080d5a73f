import { type Child, type Program, type StartOptions, startChild } from './children.ts'

/** All processes of a run. */
export interface Crew {
  start(program: Program, options: StartOptions): Promise<Child>
  /** Rejects when one of them fails, whoever waits for what. */
  readonly failed: Promise<never>
  /** Kills whatever is left, and what is just starting. */
  disband(): Promise<void>
}

export function createCrew(): Crew {
  const starting = new Set<Promise<Child>>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let isOver = false
  return {
    failed: failed.promise,
    async start(program, options) {
      if (isOver) throw new Error('The run is over.')
      const child = startChild(program, options)
      starting.add(child)
      const { finished } = await child
      finished.catch(failed.reject)
      return child
    },
    async disband() {
      isOver = true
      const started = await Promise.allSettled(starting)
      await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.kill() : undefined)))
    },
  }
}
