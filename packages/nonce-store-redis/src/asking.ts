import { fromRedis, refusalOf, timedOut, unavailable } from './errors.ts'
import type { Command, Link, Outcome } from './link.ts'
import { type Ask, parseSaid, type Said, scriptArguments } from './script.ts'
import { createServerClock } from './server-clock.ts'
import type { TimeLimit } from './time-limit.ts'

/** Puts calls to the script, in one round trip, and resolves with their answers in order. */
export type Asking = (asks: readonly Ask[]) => Promise<string[]>

interface Open {
  readonly ask: Ask
  readonly index: number
  readonly by: Command['by']
}

/** The first, one with the script or the time that the server lacked, and one over a new connection for each of them. */
const MAX_ROUNDS = 4

/** How a call is put again that the server has not carried out, or that may be carried out twice; left out: it is not. */
const NEXT: { readonly [R in ReturnType<typeof refusalOf>]?: Command['by'] } = {
  'unknown-script': 'eval',
  // With the same token the second answer is that of the first: whoever holds a claim is granted it again.
  cut: 'evalsha',
}

const nextBy = (outcome: Outcome, said: Said | null): Command['by'] | undefined => {
  if ('thrown' in outcome) return NEXT[refusalOf(outcome.thrown)]
  return said?.answer === 'late' ? 'evalsha' : undefined
}

/**
 * Returns what puts calls within `timeoutMs`. Each call carries the end of that time on the clock of the server: none is carried
 * out after its asker was told that there is no answer (`script.ts` says what would come of it).
 */
export function createAsking(link: Link, timeoutMs: number, limit: TimeLimit): Asking {
  const clock = createServerClock()

  /** Resolves with what is to be put again. */
  const round = async (open: readonly Open[], answers: string[], endsAt: number): Promise<Open[]> => {
    const sentAt = performance.now()
    const deadline = String(clock.at(endsAt))
    const commands = open.map(({ ask, by }) => ({ by, args: scriptArguments(ask, deadline) }))
    const outcomes = await link(commands, endsAt - sentAt)
    const receivedAt = performance.now()
    const again: Open[] = []
    for (const [position, one] of open.entries()) {
      const outcome = outcomes[position] ?? { thrown: undefined }
      const said = 'reply' in outcome ? parseSaid(outcome.reply) : null
      if (said !== null) clock.learn(said.serverNow, receivedAt)
      const by = nextBy(outcome, said)
      if (by !== undefined) again.push({ ...one, by })
      else if (said !== null) answers[one.index] = said.answer
      else throw 'thrown' in outcome ? fromRedis(outcome.thrown) : unavailable('failed')
    }
    return again
  }

  const rounds = async (asks: readonly Ask[], endsAt: number): Promise<string[]> => {
    const answers: string[] = []
    let open: Open[] = asks.map((ask, index) => ({ ask, index, by: 'evalsha' }))
    for (let count = 0; open.length > 0; count += 1) {
      if (count === MAX_ROUNDS || performance.now() >= endsAt) throw timedOut(timeoutMs, undefined)
      open = await round(open, answers, endsAt)
    }
    return answers
  }

  return (asks) => limit(rounds(asks, performance.now() + timeoutMs))
}
