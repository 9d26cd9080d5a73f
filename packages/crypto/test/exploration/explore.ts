/** One thing that may happen. */
export interface Step<S> {
  readonly label: string
  readonly to: S
  /**
   * `calm`: happens by itself when nothing goes wrong; `work`: an application gets on with a message; `fault` and `attack`:
   * need not happen.
   */
  readonly kind: 'calm' | 'work' | 'fault' | 'attack'
  /** An application gets to see the message. */
  readonly isDelivery?: boolean
  /** The promise that is broken by it. */
  readonly broken?: string | undefined
}

export interface Model<S, T extends Step<S> = Step<S>> {
  readonly initial: S
  /** Equal texts are equal states. */
  encode(state: S): string
  steps(state: S): T[]
  /** True where the message is still owed to somebody: a delivery must be reachable by calm steps alone. */
  isOwed(state: S): boolean
}

interface Finding {
  readonly broken: string
  /** The steps that lead there, the fewest that do. */
  readonly path: readonly string[]
}

export interface Exploration<T> {
  readonly states: number
  readonly transitions: number
  readonly deliveries: number
  readonly owed: number
  /** The first promise that was found broken; the exploration ends there. */
  readonly finding: Finding | undefined
  /** The shortest way to a state, by its number. */
  pathTo(state: number): T[]
}

/** The promise of liveness. */
export const OWED = 'the message is owed and can never be delivered'

/**
 * Visits every state that can be reached, breadth first and without a bound of its own, and stops at the first broken
 * promise. What holds for each step is checked as it is made, liveness afterwards on the whole graph. `onStep` sees each
 * step once, with the state it begins in.
 */
export function explore<S, T extends Step<S>>(
  model: Model<S, T>,
  onStep: (step: T, from: { readonly state: S; readonly number: number }) => void = () => {},
): Exploration<T> {
  const numbers = new Map<string, number>()
  const queue: (S | undefined)[] = []
  const reachedBy: ({ from: number; step: T } | undefined)[] = []
  const calm: [from: number, to: number][] = []
  const owed: number[] = []
  const hopeful: number[] = []
  let transitions = 0
  let deliveries = 0

  const visit = (state: S, by: { from: number; step: T } | undefined): number => {
    const text = model.encode(state)
    const known = numbers.get(text)
    if (known !== undefined) return known
    const number = queue.push(state) - 1
    numbers.set(text, number)
    reachedBy.push(by)
    if (model.isOwed(state)) owed.push(number)
    return number
  }

  const pathTo = (state: number): T[] => {
    const path: T[] = []
    for (let by = reachedBy[state]; by !== undefined; by = reachedBy[by.from]) path.unshift(by.step)
    return path
  }

  const conclude = (finding: Finding | undefined): Exploration<T> => ({
    states: queue.length,
    transitions,
    deliveries,
    owed: owed.length,
    finding,
    pathTo,
  })

  visit(model.initial, undefined)
  for (let from = 0; from < queue.length; from += 1) {
    const state = queue[from] as S
    // Only its number is needed from here on.
    queue[from] = undefined
    for (const step of model.steps(state)) {
      transitions += 1
      onStep(step, { state, number: from })
      if (step.broken !== undefined) {
        return conclude({ broken: step.broken, path: [...pathTo(from), step].map(({ label }) => label) })
      }
      const to = visit(step.to, { from, step })
      if (step.isDelivery) deliveries += 1
      if (step.kind !== 'calm') continue
      if (step.isDelivery) hopeful.push(from)
      calm.push([from, to])
    }
  }
  const stuck = firstStuck(queue.length, calm, hopeful, owed)
  return conclude(stuck === undefined ? undefined : { broken: OWED, path: pathTo(stuck).map(({ label }) => label) })
}

/** The first owed state from which no calm step leads, however far, to a hopeful one. */
function firstStuck(
  states: number,
  calm: readonly (readonly [from: number, to: number])[],
  hopeful: readonly number[],
  owed: readonly number[],
): number | undefined {
  const before: number[][] = Array.from({ length: states }, () => [])
  for (const [from, to] of calm) before[to]?.push(from)
  const isHopeful = new Uint8Array(states)
  const open = [...new Set(hopeful)]
  for (const state of open) isHopeful[state] = 1
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const earlier of before[state] ?? []) {
      if (isHopeful[earlier] === 1) continue
      isHopeful[earlier] = 1
      open.push(earlier)
    }
  }
  return owed.find((state) => isHopeful[state] === 0)
}
