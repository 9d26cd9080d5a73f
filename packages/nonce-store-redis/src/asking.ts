import { fromRedis, refusalOf, timedOut } from './errors.ts'
import type { Link, Round } from './link.ts'
import { type Ask, parseSaid } from './script.ts'
import { createServerClock } from './server-clock.ts'
import type { TimeLimit } from './time-limit.ts'

/** Puts calls to the script, in one round trip, and resolves with their answers in order. */
export type Asking = (asks: readonly Ask[]) => Promise<string[]>

/** The first, one with the script or the time that the server lacked, and one over a new connection for each of them. */
const MAX_ROUNDS = 4

/** How calls are put again that the server has not carried out, or that may be carried out twice; left out: they are not. */
const AGAIN: { readonly [R in ReturnType<typeof refusalOf>]?: Round['by'] } = {
  'unknown-script': 'eval',
  // With the same token the second answer is that of the first: whoever holds a claim is granted it again.
  cut: 'evalsha',
}

/** What is still to be answered: calls by their places among all. */
interface Open {
  readonly places: readonly number[]
  readonly by: Round['by']
}

/**
 * Returns what puts calls within `timeoutMs`. Each call carries the end of that time on the clock of the server: none is carried
 * out after its asker was told that there is no answer (`script.ts` says what would come of it).
 */
export function createAsking(link: Link, timeoutMs: number, limit: TimeLimit): Asking {
  const clock = createServerClock()

  /** Fills in answers, and resolves with what is to be put again. */
  const round = async (asks: readonly Ask[], open: Open, answers: string[], endsAt: number): Promise<Open> => {
    const { places, by } = open
    const part = places.length === asks.length ? asks : places.map((place) => asks[place] as Ask)
    const outcomes = await link(part, { by, deadline: clock.at(endsAt), leftMs: endsAt - performance.now() })
    const receivedAt = performance.now()
    const again: number[] = []
    let nextBy: Round['by'] = 'evalsha'
    for (const [index, place] of places.entries()) {
      const outcome = outcomes[index]
      const said = typeof outcome === 'string' ? parseSaid(outcome) : null
      if (said !== null) clock.learn(said.serverNow, receivedAt)
      if (said !== null && said.answer !== 'late') {
        answers[place] = said.answer
        continue
      }
      const thrown = typeof outcome === 'object' ? outcome.thrown : undefined
      const way = said === null ? AGAIN[refusalOf(thrown)] : 'evalsha'
      if (way === undefined) throw fromRedis(thrown)
      if (way === 'eval') nextBy = 'eval'
      again.push(place)
    }
    return { places: again, by: nextBy }
  }

  const rounds = async (asks: readonly Ask[], endsAt: number): Promise<string[]> => {
    const answers: string[] = []
    let open: Open = { places: [...asks.keys()], by: 'evalsha' }
    for (let count = 0; open.places.length > 0; count += 1) {
      if (count === MAX_ROUNDS || performance.now() >= endsAt) throw timedOut(timeoutMs, undefined)
      open = await round(asks, open, answers, endsAt)
    }
    return answers
  }

  return (asks) => limit(rounds(asks, performance.now() + timeoutMs))
}
