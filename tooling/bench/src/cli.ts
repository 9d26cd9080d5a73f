import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { parseCli, USAGE } from './cli-options.ts'
import { benchCrypto } from './crypto/benchmark.ts'
import { seededRandom } from './random.ts'
import { benchRedis } from './redis/benchmark.ts'
import { type WorkloadResult, workloadText } from './report.ts'
import { benchServiceBus } from './service-bus/benchmark.ts'

/** Done; a command line that cannot be read. */
const EXIT = { good: 0, usage: 2 } as const

const BENCHMARKS = {
  crypto: {
    description: 'seal and open: ours, the bare calls of node:crypto, jose, the AWS Encryption SDK, @noble/ciphers',
    run: benchCrypto,
    takesSizes: true,
  },
  redis: {
    description:
      'claims of the nonce store on Redis beside redis-benchmark with the same script, and the memory of a record',
    run: benchRedis,
    takesSizes: false,
  },
  'service-bus': {
    description: 'messages through Service Bus: the SDK used by hand, the client, the client sealing',
    run: benchServiceBus,
    takesSizes: false,
  },
} as const

const isBenchmark = (name: string): name is keyof typeof BENCHMARKS => Object.hasOwn(BENCHMARKS, name)

const LIST = Object.entries(BENCHMARKS).map(([name, { description }]) => `  ${name.padEnd(11)}  ${description}`)

interface TextStream {
  write(text: string): unknown
}

/** Runs what `args` ask for and resolves with the exit code. */
export async function runCli(
  args: readonly string[],
  { stdout, stderr }: { readonly stdout: TextStream; readonly stderr: TextStream },
): Promise<number> {
  const options = parseCli(args)
  if ('error' in options) {
    stderr.write(`${options.error}\n`)
    return EXIT.usage
  }
  const { name, rounds, sizes, json, help } = options
  if (help) {
    stdout.write(USAGE)
    return EXIT.good
  }
  if (name === undefined) {
    stdout.write(`Benchmarks; run one with pnpm bench <name>:\n${LIST.join('\n')}\n`)
    return EXIT.good
  }
  if (!isBenchmark(name)) {
    stderr.write(`Unknown benchmark ${name}; there is ${Object.keys(BENCHMARKS).join(', ')}.\n`)
    return EXIT.usage
  }
  if (sizes !== undefined && !BENCHMARKS[name].takesSizes) {
    stderr.write(`${name} has no bodies: leave --sizes out.\n`)
    return EXIT.usage
  }
  const seed = options.seed ?? randomInt(2 ** 32)
  const machine = { node: process.version, cores: availableParallelism() }
  const human = json ? stderr : stdout
  human.write(`${rounds} rounds, seed ${seed}, Node ${machine.node}, ${machine.cores} cores\n\n`)
  const workloads: WorkloadResult[] = []
  for await (const workload of BENCHMARKS[name].run({ rounds, random: seededRandom(seed), sizes })) {
    workloads.push(workload)
    human.write(`${workloadText(workload)}\n`)
  }
  if (json) stdout.write(`${JSON.stringify({ benchmark: name, rounds, seed, ...machine, workloads })}\n`)
  return EXIT.good
}
