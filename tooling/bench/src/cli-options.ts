import { parseArgs } from 'node:util'

export interface CliOptions {
  /** Which benchmark; left out to list them. */
  readonly name: string | undefined
  readonly rounds: number
  /** 32 bits; left out to draw one. */
  readonly seed: number | undefined
  readonly sizes: readonly number[] | undefined
  readonly json: boolean
  readonly help: boolean
}

const DEFAULT_ROUNDS = 60
const MAX_BYTES = 64 * 2 ** 20

export const USAGE: string = `Usage: pnpm bench <name> [options]

  --rounds <n>   rounds per workload; default ${DEFAULT_ROUNDS}
  --seed <n>     repeats the order of a run; default a random one, which is printed
  --sizes <n,n>  bodies of these many bytes instead of the usual workloads
  --json         print one line of JSON instead of tables
  --help         print this
`

const OPTIONS = {
  rounds: { type: 'string' },
  seed: { type: 'string' },
  sizes: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const isOption = (name: string): name is keyof typeof OPTIONS => Object.hasOwn(OPTIONS, name)

/** Returns the whole number that `text` writes in decimal digits, or undefined. */
const wholeNumber = (text: string | undefined, min: number, max: number): number | undefined => {
  const value = /^\d{1,10}$/.test(text ?? '') ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}

const LIMITS = { rounds: [1, 1_000_000], seed: [0, 2 ** 32 - 1], sizes: [0, MAX_BYTES] } as const

/** Returns what the command line asks for, or the one sentence that says what is wrong with it. */
export function parseCli(args: readonly string[]): CliOptions | { readonly error: string } {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true })
  const flags = new Set<string>()
  const numbers: Partial<Record<keyof typeof LIMITS, number[]>> = {}
  let name: string | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (name !== undefined) return { error: `Unexpected argument ${token.value}; see --help.` }
      name = token.value
      continue
    }
    if (!isOption(token.name)) return { error: `Unknown option ${token.rawName}; see --help.` }
    if (token.name === 'json' || token.name === 'help') {
      if (token.value !== undefined) return { error: `${token.rawName} takes no value.` }
      flags.add(token.name)
      continue
    }
    const [min, max] = LIMITS[token.name]
    const texts = token.name === 'sizes' ? (token.value ?? '').split(',') : [token.value]
    const values = texts.map((text) => wholeNumber(text, min, max)).filter((value) => value !== undefined)
    if (values.length < texts.length) {
      const what = token.name === 'sizes' ? 'numbers, separated by commas,' : 'a number'
      return { error: `${token.rawName} takes ${what} from ${min} to ${max}.` }
    }
    numbers[token.name] = values
  }
  return {
    name,
    rounds: numbers.rounds?.[0] ?? DEFAULT_ROUNDS,
    seed: numbers.seed?.[0],
    sizes: numbers.sizes,
    json: flags.has('json'),
    help: flags.has('help'),
  }
}
