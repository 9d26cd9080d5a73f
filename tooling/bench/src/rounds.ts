import { type Random, shuffled } from './random.ts'

/** One of several that do the same work. */
export interface Contender<Input> {
  readonly name: string
  /** Does the work once. One that needs no promise returns none, and is not slowed down by one. */
  run(input: Input): unknown
}

export interface RoundOptions<Input> {
  readonly rounds: number
  readonly random: Random
  /** What all contenders work on in one round. */
  inputsOf(random: Random): readonly Input[]
}

/**
 * So long each contender runs per round: long enough to pay for the collection of its own garbage, short enough that what else
 * the machine does hits a round as a whole or not at all.
 */
const SLICE_MS = 20
/** So much runs before it, untimed, to fill the caches that the last contender emptied. */
const PRELUDE = 1 / 20
const WARM_UP_MS = 150

const timed = async <Input>(contender: Contender<Input>, inputs: readonly Input[], passes: number): Promise<number> => {
  const startedAt = performance.now()
  for (let pass = 0; pass < passes; pass++) {
    for (const input of inputs) {
      const result = contender.run(input)
      if (result instanceof Promise) await result
    }
  }
  return performance.now() - startedAt
}

/** Runs until the code is compiled, and returns how many passes fill a slice. */
const warmUp = async <Input>(contender: Contender<Input>, inputs: readonly Input[]): Promise<number> => {
  const endsAt = performance.now() + WARM_UP_MS
  let passMs = Number.POSITIVE_INFINITY
  do passMs = Math.min(passMs, await timed(contender, inputs, 1))
  while (performance.now() < endsAt)
  return Math.max(1, Math.round(SLICE_MS / passMs))
}

/**
 * Resolves with the microseconds per input of each contender, round by round. In a round all work on the same inputs, one after
 * the other in random order.
 */
export async function measureRounds<Input>(
  contenders: readonly Contender<Input>[],
  { rounds, random, inputsOf }: RoundOptions<Input>,
): Promise<number[][]> {
  const lanes: { contender: Contender<Input>; passes: number; microseconds: number[] }[] = []
  const first = inputsOf(random)
  for (const contender of contenders) {
    lanes.push({ contender, passes: await warmUp(contender, first), microseconds: [] })
  }
  for (let round = 0; round < rounds; round++) {
    const inputs = inputsOf(random)
    for (const { contender, passes, microseconds } of shuffled(lanes, random)) {
      await timed(contender, inputs, Math.floor(passes * PRELUDE))
      const elapsedMs = await timed(contender, inputs, passes)
      microseconds.push((elapsedMs * 1000) / (passes * inputs.length))
    }
  }
  return lanes.map(({ microseconds }) => microseconds)
}
