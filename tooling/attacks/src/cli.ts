import type { Row } from './attack.ts'
import { ATTACKS } from './attacks.ts'
import { parseCli, USAGE } from './cli-options.ts'
import { library } from './library.ts'
import { countsOf, jsonText, tableText } from './report.ts'
import { type Result, runRow } from './run.ts'

/** All held; one failed; a command line that cannot be read. */
const EXIT = { good: 0, failed: 1, usage: 2 } as const

interface TextStream {
  write(text: string): unknown
}

/** Runs what `args` ask for and resolves with the exit code. */
export async function runCli(
  args: readonly string[],
  { stdout, stderr }: { readonly stdout: TextStream; readonly stderr: TextStream },
  rows: readonly Row[] = ATTACKS,
): Promise<number> {
  const options = parseCli(args)
  if ('error' in options) {
    stderr.write(`${options.error}\n`)
    return EXIT.usage
  }
  if (options.help) {
    stdout.write(USAGE)
    return EXIT.good
  }
  const results: Result[] = []
  for (const row of rows) results.push(await runRow(row, library))
  stdout.write(options.json ? jsonText(results) : tableText(results))
  return countsOf(results).failed === 0 ? EXIT.good : EXIT.failed
}
