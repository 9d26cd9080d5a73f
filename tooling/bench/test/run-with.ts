import { runCli } from '../src/cli.ts'

/** Runs the command line and resolves with its exit code and what it wrote. */
export async function runWith(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const stdout: string[] = []
  const stderr: string[] = []
  const exitCode = await runCli(args, {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
  })
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') }
}
