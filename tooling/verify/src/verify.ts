import { type Counts, failed, sum, summary } from './counts.ts'
import { type RunOptions, runStep, type Step } from './step.ts'

/**
 * Runs every step in order, whatever the earlier ones did, and writes the summary as the last line.
 *
 * @returns whether nothing failed
 */
export async function verify(steps: readonly Step[], options: RunOptions): Promise<boolean> {
  const { stop, write } = options
  const all: Counts[] = []
  const broken = (error: unknown): Counts => {
    write(`${error}\n`)
    return failed
  }
  for (const step of steps) {
    write(`\n── ${step.title}: ${step.command.join(' ')}\n`)
    const startedAt = performance.now()
    const counts = stop.aborted ? failed : await runStep(step, options).catch(broken)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    write(`── ${step.title}: ${summary(counts)}, in ${seconds} s\n`)
    all.push(counts)
  }
  const total = sum(all)
  write(`\n${summary(total)}\n`)
  return total.failed === 0
}
