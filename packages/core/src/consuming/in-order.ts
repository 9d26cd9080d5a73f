import type { Job } from './handling.ts'

/**
 * Runs the jobs of one session one after the other. Where a message stays in the queue those behind it are given back: they may
 * only come after it.
 */
export async function runInOrder(jobs: readonly Job[]): Promise<void> {
  for (const [index, job] of jobs.entries()) {
    if (await job.run()) continue
    await Promise.all(jobs.slice(index + 1).map((rest) => rest.release()))
    return
  }
}
