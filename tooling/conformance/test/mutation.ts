import { setTimeout as sleep } from 'node:timers/promises'
import { type Case, type Kit, plan, runCase, type Subject } from '../src/index.ts'

type Closable = { close(): Promise<void> }

/** A broken implementation may also hang a case: that is caught too. */
const LIMIT_MS = 1_500

/** Whether a case fails on a subject with this fault. */
async function fails<Setup extends Closable, Bench extends Closable, Mutant extends string>(
  kit: Kit<Setup, Bench, Mutant>,
  subject: Subject<Setup>,
  one: Case<Bench, Mutant>,
  mutant: Mutant,
): Promise<boolean> {
  const stop = new AbortController()
  const failed = runCase(kit, subject, one, mutant).then(
    () => false,
    () => true,
  )
  const hung = sleep(LIMIT_MS, true, { signal: stop.signal }).catch(() => true)
  const result = await Promise.race([failed, hung])
  stop.abort()
  return result
}

/** Those mutants that a case names and that it finds no fault with, on any of the subjects that run it; undefined where none runs it. */
export async function missed<
  Setup extends Closable,
  Bench extends Closable,
  Mutant extends string,
  Feature extends string,
>(
  kit: Kit<Setup, Bench, Mutant, Feature>,
  subjects: readonly Subject<Setup, Feature>[],
  one: Case<Bench, Mutant, Feature>,
): Promise<Mutant[] | undefined> {
  const running = subjects.filter((subject) =>
    plan(kit, subject).some(({ name, skip }) => name === one.name && skip === undefined),
  )
  if (running.length === 0) return undefined
  const found = await Promise.all(
    one.catches.map(async (mutant) => {
      const caught = await Promise.all(running.map((subject) => fails(kit, subject, one, mutant)))
      return caught.includes(true) ? [] : [mutant]
    }),
  )
  return found.flat()
}

/** Every case of a kit, with what it says that it catches. */
export const pairsOf = <One extends { readonly name: string; readonly catches: readonly string[] }>(kit: {
  readonly cases: readonly One[]
}): [string, One][] => kit.cases.map((one) => [`that ${one.catches.join(', or ')}, in: ${one.name}`, one])

export const mutantsOf = <Mutant extends string>(kit: {
  readonly mutants: Readonly<Record<Mutant, unknown>>
}): Mutant[] => Object.keys(kit.mutants) as Mutant[]

/** The mutants of a kit that no case names. */
export function unnamed<Mutant extends string>(kit: {
  readonly cases: readonly Pick<Case<never, Mutant>, 'catches'>[]
  readonly mutants: Readonly<Record<Mutant, unknown>>
}): string[] {
  const named = new Set<string>(kit.cases.flatMap(({ catches }) => catches))
  return mutantsOf(kit).filter((name) => !named.has(name))
}
