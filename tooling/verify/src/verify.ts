import { type Counts, failed, sum, summary } from './counts.ts'
import { runStep, type Step, type Where } from './step.ts'

interface VerifyOptions extends Where {
  readonly stop: AbortSignal
  readonly write: (text: string) => void
}

/**
 * Runs every step in order, whatever the earlier ones did, and writes the summary as the last line.
 *
 * @returns whether nothing failed
 */
export async function verify(steps: readonly Step[], { cwd, env, stop, write }: VerifyOptions): Promise<boolean> {
  const all: Counts[] = []
  for (const step of steps) {
    write(`\n── ${step.title}: ${step.command.join(' ')}\n`)
    const startedAt = performance.now()
    const counts = stop.aborted ? failed : await runStep(step, { cwd, env }, stop)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    write(`── ${step.title}: ${summary(counts)}, in ${seconds} s\n`)
    all.push(counts)
  }
  const total = sum(all)
  write(`\n${summary(total)}\n`)
  return total.failed === 0
}
