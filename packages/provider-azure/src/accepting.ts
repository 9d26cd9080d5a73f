import type { ServiceBusClient, ServiceBusSessionReceiver } from '@azure/service-bus'
import { type Clock, isQueueError } from '@queue-runtime/core'
import { abortable, type QueueTransport, type SessionTransport } from '@queue-runtime/core/provider'
import { CALL_MS } from './connection.ts'
import { type Place, transportClosed } from './errors.ts'
import { takeSession } from './links.ts'
import { fromSdk } from './sdk-errors.ts'
import { createSession } from './session.ts'
import { createUnderWay } from './under-way.ts'

/** A session with messages is found within this time, in milliseconds, or there is none. */
const FIND_MS = 1_000

/** Without a reason Node makes an error with its stack, each time. */
const OVER = 'over'

interface AcceptingParts {
  readonly queue: string
  readonly clock: Clock
  /** Returns the client of the SDK that accepts sessions. */
  readonly client: () => ServiceBusClient
  readonly path: string
  /** How long Service Bus looks for the next session, in milliseconds. */
  readonly takeMs: number
  /** Rejects with QueueNotFound where there is no such queue. */
  readonly assertQueue: () => Promise<unknown>
}

type Accept = NonNullable<QueueTransport['acceptSession']>

/** What is asked of Service Bus for the next session; null: there is none. */
interface Search {
  readonly begunAt: number
  readonly answer: Promise<ServiceBusSessionReceiver | null>
}

export interface Accepting {
  readonly acceptSession: Accept
  /** Nothing is accepted any more, and what comes late is let go. */
  close(): void
}

/** Accepts sessions. What comes when nobody waits for it any more is let go of at once. */
export function createAccepting({ queue, clock, client, path, takeMs, assertQueue }: AcceptingParts): Accepting {
  const place: Place = { queue, operation: 'acceptSession' }
  const calls = createUnderWay(client)
  let isClosed = false
  /** A search that its caller did not wait for. */
  let idle: Search | undefined

  const letGo = (session: ServiceBusSessionReceiver | null): void => void session?.close().catch(() => {})

  const open = (receiver: ServiceBusSessionReceiver): SessionTransport => createSession(receiver, { queue, clock })

  /** Asks, for a limited time. */
  const ask = async <T extends ServiceBusSessionReceiver | null>(timeoutMs: number, taking: Promise<T>): Promise<T> => {
    try {
      return await calls.run(place, timeoutMs, () => taking)
    } catch (error) {
      taking.then(letGo, () => {})
      throw error
    }
  }

  const takeNext = async (): Promise<ServiceBusSessionReceiver | null> => {
    try {
      return await takeSession(client(), path, undefined)
    } catch (error) {
      if (isQueueError(fromSdk(error, place), 'Timeout')) return null
      throw error
    }
  }

  const leave = (left: Search): void => {
    const forget = (): boolean => {
      const isIdle = idle === left
      if (isIdle) idle = undefined
      return isIdle
    }
    const isSpare = idle !== undefined
    idle ??= left
    left.answer.then(
      (session) => {
        if (forget() || isSpare) letGo(session)
      },
      () => void forget(),
    )
  }

  const begin = (): Search => ({ begunAt: clock.now(), answer: ask(takeMs + CALL_MS, takeNext()) })

  /** Resolves with `late` when the time is over before there is an answer. */
  const inTime = async <T>(answer: Promise<T>, ms: number, signal: AbortSignal): Promise<T | 'late'> => {
    const stop = new AbortController()
    const late = clock.sleep(ms, stop.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    try {
      return await abortable(Promise.race([answer, late]), signal)
    } finally {
      stop.abort(OVER)
    }
  }

  const acceptNext = async (waitMs: number, signal: AbortSignal): Promise<SessionTransport | null> => {
    const deadline = clock.now() + waitMs
    for (let isFirst = true; ; isFirst = false) {
      const current = idle ?? begin()
      idle = undefined
      const end = isFirst ? Math.max(deadline, current.begunAt + FIND_MS) : deadline
      const patience = end - clock.now()
      const answer = await inTime(current.answer, Math.max(0, patience), signal).catch((error: unknown) => {
        leave(current)
        throw error
      })
      if (answer === 'late') {
        leave(current)
        return null
      }
      if (answer !== null) return open(answer)
      if (clock.now() >= deadline || isClosed) return null
    }
  }

  const acceptNamed = async (sessionId: string, waitMs: number, signal: AbortSignal): Promise<SessionTransport> => {
    const asking = ask(waitMs + CALL_MS, takeSession(client(), path, sessionId))
    try {
      return open(await abortable(asking, signal))
    } catch (error) {
      if (signal.aborted) asking.then(letGo, () => {})
      // The SDK says so, too, where there is no queue.
      else if (isQueueError(error, 'SessionLocked')) await abortable(assertQueue(), signal)
      throw error
    }
  }

  return {
    async acceptSession({ sessionId, waitMs, signal }) {
      signal.throwIfAborted()
      if (isClosed) throw transportClosed(queue, place.operation)
      return sessionId === undefined ? acceptNext(waitMs, signal) : acceptNamed(sessionId, waitMs, signal)
    },
    close() {
      isClosed = true
    },
  }
}
