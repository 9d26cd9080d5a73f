import type { Case, Kit, Subject } from './case.ts'

/** One case as a test runner takes it. */
export interface Planned {
  readonly name: string
  readonly requirement: string
  /** Why it is not run; undefined: it is. */
  readonly skip: string | undefined
  /** Runs the case on a bench of its own. Rejects where the subject breaks its promise. */
  run(): Promise<void>
}

type Closable = { close(): Promise<void> }

/**
 * Runs one case on a fresh bench, and clears it away.
 *
 * - `mutant`: the fault that the subject gets before
 */
export async function runCase<Setup extends Closable, Bench extends Closable, Mutant extends string>(
  kit: Pick<Kit<Setup, Bench, Mutant>, 'bench' | 'mutants'>,
  subject: Pick<Subject<Setup>, 'setUp'>,
  { run }: Pick<Case<Bench>, 'run'>,
  mutant?: Mutant,
): Promise<void> {
  const sound = await subject.setUp()
  try {
    const bench = kit.bench(mutant === undefined ? sound : kit.mutants[mutant](sound))
    try {
      await run(bench)
    } finally {
      await bench.close()
    }
  } finally {
    await sound.close()
  }
}

const isReason = (text: unknown): boolean => typeof text === 'string' && text.trim().length > 0

/** Everything that is wrong with what a subject says about itself. */
function mistakesOf<Setup extends Closable, Bench extends Closable>(
  { cases, features }: Kit<Setup, Bench>,
  subject: Subject<Setup>,
): string[] {
  const skips = subject.skips ?? {}
  const known = Object.keys(features)
  const byName = new Map(cases.map((one) => [one.name, one]))
  const claimed = known.filter((feature) => subject.features[feature] === true)
  const isClaimed = ({ needs = [] }: Case<Bench>): boolean =>
    needs.length > 0 && needs.every((need) => claimed.includes(need))
  const skipped = Object.keys(skips)
  return [
    ...known
      .filter((feature) => subject.features[feature] !== true && !isReason(subject.features[feature]))
      .map((feature) => `features.${feature}: true, or the reason why it is not there`),
    ...Object.keys(subject.features)
      .filter((feature) => !known.includes(feature))
      .map((feature) => `features.${feature}: there is no such feature`),
    ...skipped.filter((name) => !byName.has(name)).map((name) => `skips: there is no case '${name}'`),
    ...skipped.filter((name) => !isReason(skips[name])).map((name) => `skips: '${name}' is skipped without a reason`),
    ...[...byName.values()]
      .filter((one) => skipped.includes(one.name) && isClaimed(one))
      .map(({ name, needs }) => `skips: '${name}' needs ${needs?.join(' and ')}, which the subject says it has`),
  ]
}

/**
 * Returns every case of a kit for one subject, to be run or to be skipped with a reason; then, for each feature that can be
 * seen, a look whether it is as the subject says: a feature that is there must not be skipped.
 *
 * @throws Error that lists what is wrong with the subject: a feature without an answer, a skip without a reason, a skip of a
 * case that does not exist, a skip of a case that needs a feature which the subject says it has
 * @example
 * for (const { name, skip, run } of plan(providerKit, subject)) test(name, { skip }, run) // node:test
 */
export function plan<Setup extends Closable, Bench extends Closable, Mutant extends string, Feature extends string>(
  kit: Kit<Setup, Bench, Mutant, Feature>,
  subject: Subject<Setup, NoInfer<Feature>>,
): Planned[] {
  const mistakes = mistakesOf(kit, subject)
  if (mistakes.length > 0) throw new Error(`${kit.name}, ${subject.name}:\n${mistakes.join('\n')}`)

  const reasonOf = ({ name, needs = [] }: Case<Bench, Mutant, Feature>): string | undefined => {
    const lacks = needs.filter((need) => subject.features[need] !== true)
    const reasons = lacks.map((need) => `no ${need}: ${subject.features[need]}`)
    return reasons.length > 0 ? reasons.join('; ') : subject.skips?.[name]
  }
  const planned = kit.cases.map((one) => ({
    name: one.name,
    requirement: one.requirement,
    skip: reasonOf(one),
    run: () => runCase(kit, subject, one),
  }))
  const looks = (Object.keys(kit.features) as Feature[]).flatMap((feature): Planned[] => {
    const isThere = kit.features[feature]
    if (isThere === null) return []
    const isClaimed = subject.features[feature] === true
    const run = async (bench: Bench): Promise<void> => {
      if ((await isThere(bench)) === isClaimed) return
      throw new Error(`${subject.name} ${isClaimed ? 'has no' : 'has'} ${feature}, against what it says.`)
    }
    return [
      {
        name: `it has ${isClaimed ? '' : 'no '}${feature}, as it says`,
        requirement: 'features',
        skip: undefined,
        run: () => runCase(kit, subject, { run }),
      },
    ]
  })
  return [...planned, ...looks]
}
