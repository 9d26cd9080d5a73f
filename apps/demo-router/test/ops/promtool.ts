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
export async function runPromtool(args: readonly string[], files: Readonly<Record<string, string>>): Promise<Verdict> {
  const { path, env } = await promtool()
  const folder = mkdtempSync(join(tmpdir(), 'qr-promtool-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const ended = run(path, args, { cwd: folder, env })
    const { stdout, stderr } = await ended.catch((error: Error & { stdout: string; stderr: string; code: unknown }) => {
      if (typeof error.code !== 'number') throw error
      return error
    })
    const output = stdout + stderr
    return { isGood: !/FAILED/.test(output) && /SUCCESS/.test(output), output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
