import type { Cluster, Redis } from 'ioredis'
import { refusalOf, tooFewReplicas } from './errors.ts'
import { SCRIPT, SCRIPT_SHA } from './script.ts'

/** One call of the script: how it is named, and its arguments. */
export interface Command {
  readonly by: 'evalsha' | 'eval'
  readonly args: [string, ...string[]]
}

/** What came of a command: the reply, or what was thrown. */
export type Outcome = { readonly reply: unknown } | { readonly thrown: unknown }

/** Sends commands at once and resolves with what came of each, in order. `leftMs`: how long anybody waits for it. */
export type Link = (commands: readonly Command[], leftMs: number) => Promise<Outcome[]>

const NAMES = { evalsha: SCRIPT_SHA, eval: SCRIPT } as const

type Reply = [error: Error | null, reply: unknown]

const outcomeOf = ([thrown, reply]: Reply): Outcome => (thrown === null ? { reply } : { thrown })

/** One pipeline: all commands in one write, all replies in one round trip. */
export const serverLink =
  (client: Redis, waitReplicas: number): Link =>
  async (commands, leftMs) => {
    const pipeline = client.pipeline()
    for (const { by, args } of commands) pipeline[by](NAMES[by], ...args)
    // In time for its own answer to arrive.
    if (waitReplicas > 0) pipeline.wait(waitReplicas, Math.max(1, Math.floor(leftMs * 0.75)))
    const replies = ((await pipeline.exec()) ?? []) as Reply[]
    if (waitReplicas > 0) {
      const [thrown, count] = replies.pop() ?? [null, 0]
      if (thrown !== null) throw thrown
      if (Number(count) < waitReplicas) throw tooFewReplicas(waitReplicas, Number(count))
    }
    return replies.map(outcomeOf)
  }

/**
 * Commands of their own, since a cluster takes no pipeline over several nodes; sent together they make one round trip for each
 * node. ioredis follows redirections of single commands, but not of one among others in an automatic pipeline: those are asked
 * for once more, one after the other.
 */
export const clusterLink =
  (client: Cluster): Link =>
  async (commands) => {
    const send = async ({ by, args }: Command): Promise<Outcome> => {
      try {
        return { reply: await client[by](NAMES[by], ...args) }
      } catch (thrown) {
        return { thrown }
      }
    }
    const outcomes = await Promise.all(commands.map(send))
    for (const [index, command] of commands.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined && 'thrown' in outcome && refusalOf(outcome.thrown) === 'moved') {
        outcomes[index] = await send(command)
      }
    }
    return outcomes
  }
