import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { promtool } from '@queue-runtime/system-tools'

const run = promisify(execFile)

/** What promtool said, and whether it was content. */
export interface Verdict {
  readonly isGood: boolean
  readonly output: string
}

/** Runs promtool on files that are given as texts, in a folder of their own. */
export async function runPromtool(
  args: readonly string[],
  { files = {}, input = '' }: { readonly files?: Readonly<Record<string, string>>; readonly input?: string },
): Promise<Verdict> {
  const { path, env } = await promtool()
  const folder = mkdtempSync(join(tmpdir(), 'qr-promtool-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const running = run(path, args, { cwd: folder, env })
    running.child.stdin?.end(input)
    return await running.then(
      ({ stdout, stderr }) => ({ isGood: true, output: stdout + stderr }),
      (error: Error & { stdout: string; stderr: string; code: unknown }) => {
        // Without an exit code it did not run.
        if (typeof error.code !== 'number') throw error
        return { isGood: false, output: error.stdout + error.stderr }
      },
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
