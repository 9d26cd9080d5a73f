import { parseArgs } from 'node:util'
import type { QueueOptions } from './options.ts'

export interface CliOptions {
  readonly help: boolean
  readonly queues: Readonly<Record<string, QueueOptions>>
  readonly host: string | undefined
  readonly port: number
  /** Files in PEM. */
  readonly tls: { readonly key: string; readonly cert: string } | undefined
}

/** The port where AMQP lives, and AMQP over TLS. */
const PORT = { plain: 5672, tls: 5671 }

export const USAGE: string = `Usage: service-bus-emulator --queue <name> [options of the queue] [--queue …] [options]

Runs Service Bus queues in this process until it is interrupted, and prints the connection string for the real SDK.

Options of the queue before them:
  --sessions                every message has a session
  --lock-ms <ms>            how long a message or session is locked (60000)
  --max-deliveries <n>      after so many failures a message is dead-lettered (10)
  --ttl-ms <ms>             the longest time to live (none)
  --dead-letter-expired     expired messages become dead letters instead of being dropped
  --duplicates-ms <ms>      for how long message ids are remembered (0: off)
  --max-bytes <n>           the largest message (262144)

Options:
  --port <n>                where to listen (5672, with TLS 5671; 0: any free port)
  --host <name>             on which address (127.0.0.1)
  --tls-key <file>          with --tls-cert: speak TLS only, with this key
  --tls-cert <file>         and this certificate, both PEM
  --help                    print this
`

type Read = (text: string) => unknown

/** What an option of a queue sets, and how its text is read; without `read` it is a flag. */
const OF_QUEUE: Readonly<Record<string, { readonly sets: keyof QueueOptions; readonly read?: Read }>> = {
  sessions: { sets: 'requiresSession' },
  'lock-ms': { sets: 'lockDurationMs', read: Number },
  'max-deliveries': { sets: 'maxDeliveryCount', read: Number },
  'ttl-ms': { sets: 'timeToLiveMs', read: Number },
  'dead-letter-expired': { sets: 'deadLetterOnExpiration' },
  'duplicates-ms': { sets: 'duplicateDetectionMs', read: Number },
  'max-bytes': { sets: 'maxMessageBytes', read: Number },
}

/** Options of the emulator; all but `help` have a value. */
const OF_ALL: readonly string[] = ['port', 'host', 'tls-key', 'tls-cert', 'help']

const takesValue = (name: string): boolean => {
  if (name === 'queue') return true
  const ofQueue = OF_QUEUE[name]
  return ofQueue === undefined ? name !== 'help' : ofQueue.read !== undefined
}

const NAMES: readonly string[] = ['queue', ...Object.keys(OF_QUEUE), ...OF_ALL]

interface Given {
  readonly name: string
  readonly value: string | undefined
}

/** The options in the order in which they stand. @throws SyntaxError */
function optionsIn(args: readonly string[]): Given[] {
  const types = NAMES.map((name) => [name, { type: takesValue(name) ? 'string' : 'boolean' }] as const)
  const { tokens } = parseArgs({ args: [...args], options: Object.fromEntries(types), strict: false, tokens: true })
  return tokens.flatMap((token) => {
    if (token.kind === 'positional') throw new SyntaxError(`Unexpected argument ${token.value}; see --help.`)
    if (token.kind === 'option-terminator') return []
    const { name, rawName, value } = token
    if (!NAMES.includes(name)) throw new SyntaxError(`Unknown option ${rawName}; see --help.`)
    if (takesValue(name) !== (value !== undefined)) {
      throw new SyntaxError(`${rawName} takes ${takesValue(name) ? 'a' : 'no'} value.`)
    }
    return [{ name, value }]
  })
}

function read(given: readonly Given[]): CliOptions {
  const queues: Record<string, Record<string, unknown>> = {}
  const rest = new Map<string, string>()
  let queue: Record<string, unknown> | undefined
  for (const { name, value } of given) {
    const ofQueue = OF_QUEUE[name]
    if (name === 'queue' && value !== undefined) {
      queue = {}
      queues[value] = queue
    } else if (ofQueue === undefined) rest.set(name, value ?? '')
    else if (queue === undefined) throw new SyntaxError(`--${name} belongs to a queue; write it behind --queue.`)
    else queue[ofQueue.sets] = value === undefined ? true : ofQueue.read?.(value)
  }
  const [key, cert] = [rest.get('tls-key'), rest.get('tls-cert')]
  if ((key === undefined) !== (cert === undefined)) throw new SyntaxError('--tls-key and --tls-cert belong together.')
  if (Object.keys(queues).length === 0 && !rest.has('help')) throw new SyntaxError('Name a --queue; see --help.')
  const tls = key === undefined || cert === undefined ? undefined : { key, cert }
  const port = rest.get('port')
  return {
    help: rest.has('help'),
    queues,
    host: rest.get('host'),
    port: port === undefined ? PORT[tls === undefined ? 'plain' : 'tls'] : Number(port),
    tls,
  }
}

/** Returns what the command line asks for, or the one sentence that says what is wrong with it. */
export function parseCli(args: readonly string[]): CliOptions | { readonly error: string } {
  try {
    return read(optionsIn(args))
  } catch (error) {
    if (error instanceof SyntaxError) return { error: error.message }
    throw error
  }
}
