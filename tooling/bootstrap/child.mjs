import { spawn } from 'node:child_process'
import { Failure, failureOf } from './failure.mjs'
import { guardGroup, whenNpmIsGone } from './orphans.mjs'

/** A Ctrl-C reaches us from the terminal and once more from npm, which passes it on: the same signal within this time counts as one. */
const oneSignalMs = 300
const keptOutput = 64 * 1024

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, output: string }} Ended */
/** @typedef {{ cwd: string, env: NodeJS.ProcessEnv }} Where */

/** @type {{ group: number | undefined, kills: boolean } | undefined} */
let running
/** @type {NodeJS.Signals | undefined} */
let stoppedBy

/** Thrown in place of a step's result when a signal asked us to stop. */
export class Stopped extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal)
    this.signal = signal
  }
}

/**
 * Runs a command that shares our standard streams.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Where} where
 */
export async function runShown(command, args, where) {
  if (stoppedBy !== undefined) throw new Stopped(stoppedBy)
  return await run(command, args, { ...where, stdio: 'inherit', kills: false })
}

/**
 * Runs a step of ours that shows all it says on standard error.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Where} where
 */
export async function runAside(command, args, where) {
  if (stoppedBy !== undefined) throw new Stopped(stoppedBy)
  const ended = await run(command, args, { ...where, stdio: ['inherit', 2, 'inherit'], kills: false })
  if (stoppedBy !== undefined) throw new Stopped(stoppedBy)
  return ended
}

/**
 * Runs a step of ours, to success, whose output is not shown.
 *
 * @param {string} subject what is being done, as the beginning of a sentence
 * @param {string} command
 * @param {string[]} args
 * @param {Where} where
 */
export async function runQuietly(subject, command, args, where) {
  if (stoppedBy !== undefined) throw new Stopped(stoppedBy)
  const { code, signal, output } = await run(command, args, {
    ...where,
    stdio: ['ignore', 'pipe', 'pipe'],
    kills: true,
  })
  if (stoppedBy !== undefined) throw new Stopped(stoppedBy)
  if (code !== 0) throw failureOf(subject, signal ?? `exit code ${code}`, output)
  return output
}

/**
 * In a process group of its own, so that a signal sent to us reaches the command and all that it started, once. `kills`: as SIGKILL,
 * for steps that are safe to kill; npm would go on fetching for a while.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Where & { stdio: import('node:child_process').StdioOptions, kills: boolean }} options
 * @returns {Promise<Ended>}
 */
function run(command, args, { kills, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, detached: true })
    running = { group: child.pid, kills }
    const endGuard = child.pid === undefined ? () => {} : guardGroup(child.pid)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-keptOutput)
      })
    }
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      running = undefined
      reject(
        new Failure(`Cannot run ${command}: ${error.code === 'ENOENT' ? 'it is not on the PATH' : error.message}.`),
      )
    })
    child.on('close', (code, signal) => {
      running = undefined
      endGuard()
      resolve({ code, signal, output })
    })
  })
}

/** From here on SIGINT, SIGTERM and SIGHUP go to the running command; how that ends decides how we end. */
export function forwardSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    let lastMs = -oneSignalMs
    process.on(signal, () => {
      const now = performance.now()
      if (now - lastMs >= oneSignalMs) stop(signal)
      lastMs = now
    })
  }
  whenNpmIsGone(() => {
    if (stoppedBy === undefined) stop('SIGTERM')
  })
}

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  stoppedBy = signal
  if (running?.group === undefined) return
  try {
    process.kill(-running.group, running.kills ? 'SIGKILL' : signal)
  } catch {
    // The group ended in the meantime.
  }
}

/**
 * Ends this process the way its command ended, so that a caller sees the same exit code or the same signal.
 *
 * @param {{ code: number | null, signal: NodeJS.Signals | null }} ended
 */
export function endLike({ code, signal }) {
  if (signal === null) {
    process.exitCode = code ?? 1
    return
  }
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
