import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished, vi } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** One line of the log of a process. */
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: string }

/** A process of the built program. */
export interface Child {
  readonly lines: readonly LogLine[]
  readonly output: () => string
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Resolves with the first line that says so. */
  said(msg: string): Promise<LogLine>
  kill(signal: NodeJS.Signals): void
}

/** Starts the built program with this environment and nothing else. */
export function startChild(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Child {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const lines = (): LogLine[] =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return {
    get lines() {
      return lines()
    },
    output: () => stdout + stderr,
    closed: once(child, 'close').then(([code, signal]) => ({ code, signal })),
    said: (msg) =>
      vi.waitFor(
        () => {
          const line = lines().find((one) => one.msg === msg)
          if (line === undefined) throw new Error(`${args.join(' ')} has not said "${msg}": ${stdout}${stderr}`)
          return line
        },
        { timeout: 30_000, interval: 20 },
      ),
    kill: (signal) => void child.kill(signal),
  }
}
