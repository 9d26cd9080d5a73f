import type { Task } from './consumer.ts'
import type { Job } from './handling.ts'

/** Messages that are handled one after the other. */
export interface Line extends Task {
  /** Puts another one behind them, as long as `onEnd` was not told. */
  add(job: Job): void
}

interface LineParts {
  /** Told that a message stays in the queue; the next one waits for it. Never rejects. */
  readonly onStay?: () => Promise<void>
  /** Told in the very moment in which there is no message left. */
  readonly onEnd?: () => void
}

/**
 * Runs jobs in order. Where a message stays in the queue those behind it are given back, since they may only come after it.
 */
export function openLine(jobs: readonly Job[], { onStay = async () => {}, onEnd = () => {} }: LineParts = {}): Line {
  const waiting = [...jobs]
  let current: Job | undefined

  const releaseWaiting = async (): Promise<void> => {
    await Promise.all(waiting.splice(0).map((job) => job.release()))
  }

  const run = async (): Promise<void> => {
    for (current = waiting.shift(); current !== undefined; current = waiting.shift()) {
      if ((await current.run()) !== 'done') await Promise.all([releaseWaiting(), onStay()])
    }
    onEnd()
  }

  return {
    ended: run(),
    add: (job) => void waiting.push(job),
    async release() {
      await Promise.all([current?.release(), releaseWaiting()])
    },
  }
}
