import type { Random } from '../random.ts'
import type { WorkloadResult } from '../report.ts'
import { measureRounds } from '../rounds.ts'
import { ratioOf, spreadOf } from '../statistics.ts'
import { bodyOf, DEFAULT_SIZES, realDeliveries } from './bodies.ts'
import { assertRoundTrips, cryptoContenders } from './contenders.ts'

/** Yields the times of seal and open, workload by workload; `sizes` in bytes take the place of the usual workloads. */
export async function* benchCrypto(options: {
  readonly rounds: number
  readonly random: Random
  readonly sizes: readonly number[] | undefined
}): AsyncGenerator<WorkloadResult> {
  const { rounds, random, sizes } = options
  const contenders = await cryptoContenders()
  const workloads = sizes?.map(bodyOf) ?? [...DEFAULT_SIZES.map(bodyOf), realDeliveries()]
  for (const { name, bodies, inputsOf } of workloads) {
    for (const contender of contenders) {
      for (const body of bodies) await assertRoundTrips(contender, body)
    }
    const microseconds = await measureRounds(contenders, { rounds, random, inputsOf })
    const [first = [], second = []] = microseconds
    yield {
      name,
      bases: ['bare', 'CryptoProvider'],
      contenders: contenders.map((contender, lane) => {
        const own = microseconds[lane] ?? []
        return {
          name: contender.name,
          microseconds: spreadOf(own),
          timesFirst: ratioOf(own, first),
          timesSecond: ratioOf(own, second),
        }
      }),
    }
  }
}
