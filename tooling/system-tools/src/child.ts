import { spawn } from 'node:child_process'

export interface Ended {
  readonly ok: boolean
  readonly stdout: string
  /** Both streams, for a reader. */
  readonly output: string
}

/** Runs a command to its end; one that cannot be started counts as one that failed. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', (error) => resolve({ ok: false, stdout, output: `${output}\n${error.message}` }))
    child.on('close', (code) => resolve({ ok: code === 0, stdout, output }))
  })
}
