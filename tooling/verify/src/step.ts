import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Counts, failed, passed, sum } from './counts.ts'

/** One line of the table: a command that is a check by itself, or one that runs tests and leaves their counts in a file. */
export interface Step {
  readonly title: string
  readonly command: readonly [string, ...string[]]
  readonly countsFile?: string | undefined
}

export interface Where {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** `code` is null where a signal ended the command. */
interface Ended {
  readonly code: number | null
}

/** What does not end on a signal is killed after this time. */
const graceMs = 3000

/**
 * Runs a step to its end, with its output shown. The command gets a process group of its own; the signal that `stop` aborts with is
 * passed to the group, so that it reaches all that the command started.
 */
export async function runStep(step: Step, where: Where, stop: AbortSignal): Promise<Counts> {
  const ended = await run(step.command, where, stop)
  return step.countsFile === undefined ? checkCounts(ended) : testCounts(ended, step.countsFile)
}

function run([command, ...args]: Step['command'], where: Where, stop: AbortSignal): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...where, stdio: 'inherit', detached: true })
    let killing: NodeJS.Timeout | undefined
    const stopGroup = (): void => {
      signalGroup(child.pid, stop.reason)
      killing = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs)
    }
    const finish = (ended: Ended): void => {
      stop.removeEventListener('abort', stopGroup)
      clearTimeout(killing)
      resolve(ended)
    }
    stop.addEventListener('abort', stopGroup)
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`)
      finish({ code: 1 })
    })
    child.on('close', (code) => finish({ code }))
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
