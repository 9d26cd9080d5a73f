import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Counts, failed, passed, sum } from './counts.ts'

/** One line of the table: a command that is a check by itself, or one that runs tests and leaves their counts in a file. */
export interface Step {
  readonly title: string
  readonly command: readonly [string, ...string[]]
  readonly countsFile?: string | undefined
}

export interface RunOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Aborts with the signal that is passed on to the running step. */
  readonly stop: AbortSignal
  readonly write: (text: string) => void
}

/** `code` is null where a signal ended the command. */
interface Ended {
  readonly code: number | null
}

/** What does not end on a signal is killed after this time. */
const graceMs = 3000

/**
 * Runs a step to its end, with its output shown. The command gets a process group of its own, so that a signal reaches all that the
 * command started.
 */
export async function runStep(step: Step, options: RunOptions): Promise<Counts> {
  const ended = await run(step.command, options)
  return step.countsFile === undefined ? checkCounts(ended) : testCounts(ended, step.countsFile)
}

function run([command, ...args]: Step['command'], { cwd, env, stop }: RunOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit', detached: true })
    let killing: NodeJS.Timeout | undefined
    const stopGroup = (): void => {
      signalGroup(child.pid, stop.reason)
      killing = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs)
    }
    stop.addEventListener('abort', stopGroup)
    child.on('error', reject)
    child.on('close', (code) => {
      stop.removeEventListener('abort', stopGroup)
      clearTimeout(killing)
      resolve({ code })
    })
  })
}

function signalGroup(group: number | undefined, signal: NodeJS.Signals): void {
  if (group === undefined) return
  try {
    process.kill(-group, signal)
  } catch {
    // The group ended in the meantime.
  }
}

function checkCounts({ code }: Ended): Counts {
  return code === 0 ? passed : failed
}

/** Tests count as failed as one where they did not run, and where the run failed beside them. */
function testCounts({ code }: Ended, file: string): Counts {
  const counts = readCounts(file)
  if (counts === undefined || counts.passed + counts.failed === 0) return failed
  return code !== 0 && counts.failed === 0 ? sum([counts, failed]) : counts
}

function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
