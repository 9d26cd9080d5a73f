import { parseArgs } from 'node:util'
import type { BackendNames } from './backends/backends.ts'
import { EMBEDDED } from './demo/ground.ts'
import { LOCAL_NAMES } from './local/start.ts'

export interface CliOptions {
  readonly backends: BackendNames
  readonly port: number
  readonly once: boolean
  readonly json: boolean
  readonly help: boolean
}

export const USAGE: string = `Usage: npm run demo -- [options]

Starts a GitHub webhook router and three bots on the embedded broker, posts every delivery of
@octokit/webhooks-examples to it, lets an attacker loose at the broker, and shows what came of it.

  --once         end when done, instead of keeping the page at / open until Ctrl-C
  --json         print the result as one line of JSON, last on standard output; all else goes to standard error
  --port <n>     listen on this port of 127.0.0.1; default 0, any free one
  --provider <x> queues on memory (default), azure or sqs: a server of its own is started
  --keys <x>     keys from local (default), azure or aws
  --nonces <x>   what was seen is kept in memory (default) or redis
  --help         print this

The exit code is 1 when a delivery was lost, opened by the wrong bot or with other content than posted, or an attack passed.
`

const OPTIONS = {
  port: { type: 'string' },
  provider: { type: 'string' },
  keys: { type: 'string' },
  nonces: { type: 'string' },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const isOption = (name: string): name is keyof typeof OPTIONS => Object.hasOwn(OPTIONS, name)

/** Which backend an option chooses. */
const CHOICES: Readonly<Record<string, keyof BackendNames>> = { provider: 'queue', keys: 'keys', nonces: 'nonces' }

const PORT = /^\d{1,5}$/
const MAX_PORT = 65_535

/** Returns what the command line asks for, or the one sentence that says what is wrong with it. */
export function parseCli(args: readonly string[]): CliOptions | { readonly error: string } {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true })
  let port = 0
  let backends = EMBEDDED
  const flags = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'positional') return { error: `Unexpected argument ${token.value}; see --help.` }
    if (token.kind === 'option-terminator') continue
    if (!isOption(token.name)) return { error: `Unknown option ${token.rawName}; see --help.` }
    if (token.name === 'port') {
      port = PORT.test(token.value ?? '') ? Number(token.value) : Number.NaN
      if (!(port <= MAX_PORT)) return { error: `--port takes a number from 0 to ${MAX_PORT}.` }
    } else if (CHOICES[token.name] !== undefined) {
      const kind = CHOICES[token.name] as keyof BackendNames
      const names = LOCAL_NAMES[kind]
      if (!names.includes(token.value ?? '')) return { error: `--${token.name} takes one of ${names.join(', ')}.` }
      backends = { ...backends, [kind]: token.value ?? '' }
    } else {
      if (token.value !== undefined) return { error: `${token.rawName} takes no value.` }
      flags.add(token.name)
    }
  }
  return { port, backends, once: flags.has('once'), json: flags.has('json'), help: flags.has('help') }
}
