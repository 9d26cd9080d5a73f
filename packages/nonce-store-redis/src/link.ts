import type { Cluster, Redis } from 'ioredis'
import { refusalOf, tooFewReplicas } from './errors.ts'
import { type Ask, SCRIPT, SCRIPT_SHA } from './script.ts'

/** How the calls of a round are made. */
export interface Round {
  /** By the hash of the script, or with the script for a server that lacks it. */
  readonly by: 'evalsha' | 'eval'
  /** On the clock of the server, in milliseconds. */
  readonly deadline: number
  /** How long anybody waits for the answers, in milliseconds. */
  readonly leftMs: number
}

/** What came of a call: the reply of the script, or what was thrown, if anything was: the reply may be none. */
type Outcome = string | { readonly thrown: unknown }

/** Makes calls at once and resolves with what came of each, in order. */
export type Link = (asks: readonly Ask[], round: Round) => Promise<Outcome[]>

const NAMES = { evalsha: SCRIPT_SHA, eval: SCRIPT } as const

type Reply = readonly [error: Error | null, reply: unknown]

const outcomeOf = ([error, reply]: Reply): Outcome => (typeof reply === 'string' ? reply : { thrown: error })

/** Returns the database that a client is meant to use. */
export const databaseOf = ({ options }: Redis): number => options?.db ?? 0

/** One pipeline: all calls in one write, all replies in one round trip. */
export const serverLink = (client: Redis, waitReplicas: number): Link => {
  const database = databaseOf(client)
  return async (asks, { by, deadline, leftMs }) => {
    const pipeline = client.pipeline()
    for (const { key, operation, token, leaseMs, retainMs } of asks) {
      pipeline[by](NAMES[by], 1, key, operation, token, deadline, leaseMs, retainMs, database)
    }
    // In time for its own answer to arrive.
    if (waitReplicas > 0) pipeline.wait(waitReplicas, Math.max(1, Math.floor(leftMs * 0.75)))
    const replies = ((await pipeline.exec()) ?? []) as Reply[]
    if (waitReplicas > 0) {
      const [error, count] = replies.pop() ?? [null, 0]
      if (error !== null) throw error
      if (Number(count) < waitReplicas) throw tooFewReplicas(waitReplicas, Number(count))
    }
    return replies.map(outcomeOf)
  }
}

/**
 * Calls of their own, since a cluster takes no pipeline over several nodes; sent together they make one round trip for each
 * node. ioredis follows redirections of single calls, but not of one among others in an automatic pipeline: those are made
 * once more, one after the other.
 */
export const clusterLink =
  (client: Cluster): Link =>
  async (asks, { by, deadline }) => {
    const send = async ({ key, operation, token, leaseMs, retainMs }: Ask): Promise<Outcome> => {
      try {
        return outcomeOf([null, await client[by](NAMES[by], 1, key, operation, token, deadline, leaseMs, retainMs)])
      } catch (thrown) {
        return { thrown }
      }
    }
    const outcomes = await Promise.all(asks.map(send))
    for (const [index, ask] of asks.entries()) {
      const outcome = outcomes[index]
      if (typeof outcome === 'object' && refusalOf(outcome.thrown) === 'moved') outcomes[index] = await send(ask)
    }
    return outcomes
  }
