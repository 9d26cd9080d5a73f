import { startRedis } from '@queue-runtime/redis-server'
import { type Random, shuffled } from '../random.ts'
import type { WorkloadResult } from '../report.ts'
import { ratioOf, spreadOf } from '../statistics.ts'
import { bareIoredis, type ClaimContender, type Load, ourStore, redisBenchmark } from './claims.ts'
import { memoryLines } from './memory.ts'
import { sentForClaim } from './sent.ts'

/** Ten is the largest batch of SQS; 16 is the depth that protocol.md 5 was measured at. */
const LOADS: readonly Load[] = [
  { depth: 10, atOnce: 1 },
  { depth: 16, atOnce: 1 },
  { depth: 100, atOnce: 1 },
  { depth: 10, atOnce: 8 },
  { depth: 16, atOnce: 8 },
]

const CLAIMS_PER_RUN = 20_000
const RECORDS = 100_000

/** Yields the times of claims, load by load; then a line about memory. The server is a real one, started for it. */
export async function* benchRedis(options: {
  readonly rounds: number
  readonly random: Random
}): AsyncGenerator<WorkloadResult> {
  const { rounds, random } = options
  await using server = await startRedis()
  const sent = await sentForClaim(server.url)
  const contenders = [await redisBenchmark(server, sent), bareIoredis(server, sent), ourStore(server)]
  const measure = async (contender: ClaimContender, load: Load, count: number): Promise<number> => {
    await server.command('FLUSHALL')
    return contender.run(load, count)
  }
  try {
    for (const load of LOADS) {
      const lanes = contenders.map((contender) => ({ contender, microseconds: [] as number[] }))
      for (const { contender } of lanes) await measure(contender, load, CLAIMS_PER_RUN / 4)
      for (let round = 0; round < rounds; round++) {
        for (const { contender, microseconds } of shuffled(lanes, random)) {
          microseconds.push(await measure(contender, load, CLAIMS_PER_RUN))
        }
      }
      const [first, second] = lanes.map(({ microseconds }) => microseconds) as [number[], number[]]
      yield {
        name: `batches of ${load.depth} claims, ${load.atOnce} at once`,
        bases: ['redis-benchmark', 'bare ioredis'],
        contenders: lanes.map(({ contender: { name }, microseconds }) => ({
          name,
          microseconds: spreadOf(microseconds),
          timesFirst: ratioOf(microseconds, first),
          timesSecond: ratioOf(microseconds, second),
        })),
      }
    }
    yield { name: 'memory', bases: ['', ''], contenders: [], notes: await memoryLines(server, RECORDS) }
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()))
  }
}
