import { parseArgs } from 'node:util'

export interface CliOptions {
  readonly json: boolean
  readonly help: boolean
}

export const USAGE: string = `Usage: pnpm attacks [options]

Carries out the attacks of the protocol and prints what came of each. Exit code 1 when one failed.

  --json   print one line of JSON instead of the table
  --help   print this
`

const OPTIONS = { json: { type: 'boolean' }, help: { type: 'boolean' } } as const

/** Returns what the command line asks for, or the one sentence that says what is wrong with it. */
export function parseCli(args: readonly string[]): CliOptions | { readonly error: string } {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true })
  const flags = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') return { error: `Unexpected argument ${token.value}; see --help.` }
    if (!Object.hasOwn(OPTIONS, token.name)) return { error: `Unknown option ${token.rawName}; see --help.` }
    if (token.value !== undefined) return { error: `${token.rawName} takes no value.` }
    flags.add(token.name)
  }
  return { json: flags.has('json'), help: flags.has('help') }
}
