import type { Hold } from '../store/entry.ts'
import { sessionLockLost } from '../store/errors.ts'
import type { Queue } from '../store/queue.ts'
import { AmqpRefusal, CONDITION, failureOf } from './conditions.ts'
import { type AmqpFailure, type AmqpLink, types } from './rhea.ts'
import { isMap, mapOf, numberOf } from './values.ts'

const FILTER = 'com.microsoft:session-filter'
const TIMEOUT = 'com.microsoft:timeout'
const LOCKED_UNTIL = 'com.microsoft:locked-until-utc'

/** The wait of a client that names none, in milliseconds. */
const DEFAULT_WAIT_MS = 60_000

/** What an attaching client says of sessions: none, any, or this one. */
export function wantedSession(link: AmqpLink): { readonly sessionId: string | null } | undefined {
  const filter = mapOf(link.source?.filter)
  if (!Object.hasOwn(filter, FILTER)) return undefined
  const value = filter[FILTER]
  // Some clients describe the value, with its type around it.
  const sessionId = isMap(value) ? value.value : value
  return { sessionId: typeof sessionId === 'string' ? sessionId : null }
}

/** 100 ns since the year 1, as .NET counts, as a long beyond what a number holds. */
const ticks = (moment: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(moment) * 10_000n + 621_355_968_000_000_000n)
  return bytes
}

/** Says in the answer to an attach which session was locked, and until when. */
export function announceSession(link: AmqpLink, address: string, { sessionId, until }: Hold): void {
  link.set_source({ address, filter: { [FILTER]: sessionId } })
  link.local.attach.properties = { [LOCKED_UNTIL]: types.wrap_long(ticks(until)) }
}

export interface SessionWish {
  readonly sessionId: string | null
  readonly granted: (hold: Hold) => void
  readonly refused: (failure: AmqpFailure) => void
  /** Called when the lock runs out later. */
  readonly lost: (failure: AmqpFailure) => void
}

/** Locks a session for a link, or waits for one; returns how to stop waiting. */
export function lockSession(
  queue: Queue,
  link: AmqpLink,
  now: number,
  { sessionId, granted, refused, lost }: SessionWish,
): () => void {
  if (sessionId !== null) {
    const onLost = (): void => lost(failureOf(sessionLockLost(sessionId)))
    try {
      granted(queue.acceptSession(sessionId, link.name, onLost))
    } catch (error) {
      refused(failureOf(error))
    }
    return () => {}
  }
  let held = ''
  return queue.acceptNext({
    owner: link.name,
    deadline: now + (numberOf(mapOf(link.properties)[TIMEOUT]) ?? DEFAULT_WAIT_MS),
    onLost: () => lost(failureOf(sessionLockLost(held))),
    granted(hold) {
      held = hold.sessionId
      granted(hold)
    },
    timedOut: () =>
      refused(new AmqpRefusal(CONDITION.timeout, 'The operation did not complete within the allotted timeout.')),
  })
}
