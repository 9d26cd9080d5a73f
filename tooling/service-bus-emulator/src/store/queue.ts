import type { Clock } from '@queue-runtime/core'
import { createAlarm } from './alarm.ts'
import type { Acceptor, Consumer, ReceiveMode, Taken } from './consumer.ts'
import type { Content, Entry, Hold, Properties } from './entry.ts'
import { messageLockLost, notAllowed, notFound, sessionLockLost } from './errors.ts'
import { type Lane, ONE_LINE } from './lane.ts'
import type { QueueSettings } from './settings.ts'
import { createStorage } from './storage.ts'

export type Outcome = 'complete' | 'abandon' | 'defer' | 'deadLetter'

/** What messages are received from: a queue, or its dead letters. */
export interface Source {
  /** Whether it is received from through sessions. */
  readonly requiresSession: boolean
  /** Hands messages to `consumer` from the next change or `serve()` on, until it leaves by what this returns. */
  join(consumer: Consumer): () => void
  /** Looks at messages in any state, from a sequence number on. */
  peek(from: number, max: number, sessionId: string | undefined): Entry[]
  /** Takes messages that were laid aside. @throws message-not-found */
  takeDeferred(sequenceNumbers: readonly number[], mode: ReceiveMode, hold: Hold | undefined): Taken[]
}

/** Storage, and who waits for it. Nothing runs by itself: each call looks at the clock, and an alarm does while somebody waits. */
export interface Queue {
  readonly name: string
  readonly settings: QueueSettings
  readonly messages: Source
  readonly deadLetters: Source
  /** Stores all or none; returns their sequence numbers. @throws not-allowed without a session where one is needed */
  send(contents: readonly Content[]): number[]
  /** Takes scheduled messages back. @throws message-not-found */
  cancel(sequenceNumbers: readonly number[]): void
  /** Ends a delivery. @throws message-lock-lost */
  settle(token: string, outcome: Outcome, properties: Properties): void
  /** Returns until when the lock holds now. @throws message-lock-lost */
  renew(token: string): number
  /** Looks again whether consumers want more. */
  serve(): void
  /** @throws session-cannot-be-locked */
  acceptSession(sessionId: string, owner: string, onLost: () => void): Hold
  /** Waits for any session that has messages and is not locked; returns how to stop waiting. */
  acceptNext(acceptor: Acceptor): () => void
  releaseSession(hold: Hold): void
  /** The hold of a session. @throws session-lock-lost */
  held(sessionId: string, owner: string | undefined): Hold
  renewSession(hold: Hold): number
  sessionState(sessionId: string): Uint8Array | undefined
  setSessionState(sessionId: string, state: Uint8Array | undefined): void
  /** Stops the alarm. */
  close(): void
}

interface Side {
  readonly lane: Lane
  /** In the order in which they are served. */
  readonly consumers: Set<Consumer>
}

export function createQueue(name: string, settings: QueueSettings, clock: Clock): Queue {
  const storage = createStorage(settings)
  const { sessions } = storage
  const acceptors = new Set<Acceptor>()
  const messages: Side = { lane: storage.messages, consumers: new Set() }
  const deadLetters: Side = { lane: storage.deadLetters, consumers: new Set() }
  const sides = [messages, deadLetters]
  const alarm = createAlarm(clock, () => act(() => {}))
  let isClosed = false

  const setAlarm = (): void => {
    const isAwaited = acceptors.size > 0 || sides.some(({ consumers }) => consumers.size > 0)
    const moments = [
      ...sides.map(({ lane }) => lane.agenda.next()),
      sessions.agenda.next(),
      ...Array.from(acceptors, ({ deadline }) => deadline),
    ]
    alarm.set(isAwaited && !isClosed ? Math.min(...moments) : Number.POSITIVE_INFINITY)
  }

  const take = (entry: Entry, mode: ReceiveMode, hold: Hold | undefined, now: number): Taken => {
    if (mode === 'lock') return { entry, lock: storage.lock(entry, hold, now) }
    storage.discard(entry)
    return { entry, lock: undefined }
  }

  /** Hands one message to each that wants one; tells whether there was any. */
  const serveRound = ({ lane, consumers }: Side, now: number): boolean => {
    let isAnyServed = false
    for (const consumer of [...consumers]) {
      const { hold, mode } = consumer
      // Serving one may have ended others.
      if (!consumers.has(consumer) || hold?.isLost || !consumer.wants()) continue
      const entry = lane.firstReady(hold?.sessionId ?? ONE_LINE)
      if (entry === undefined) continue
      // Whoever was served goes to the end of the line.
      consumers.delete(consumer)
      consumers.add(consumer)
      consumer.deliver(take(entry, mode, hold, now))
      isAnyServed = true
    }
    return isAnyServed
  }

  /** The session whose next message is the oldest. */
  const freeSession = (): string | undefined => {
    let best: { readonly line: string; readonly rank: number } | undefined
    for (const line of storage.messages.readyLines()) {
      const rank = storage.messages.firstReady(line)?.sequenceNumber ?? Number.POSITIVE_INFINITY
      if (!sessions.isLocked(line) && (best === undefined || rank < best.rank)) best = { line, rank }
    }
    return best?.line
  }

  const grantSessions = (now: number): void => {
    for (const acceptor of [...acceptors]) {
      const sessionId = freeSession()
      if (sessionId === undefined) break
      if (!acceptors.has(acceptor)) continue
      acceptors.delete(acceptor)
      acceptor.granted(sessions.lock(sessionId, acceptor.owner, now + settings.lockDurationMs, acceptor.onLost))
    }
    for (const acceptor of [...acceptors]) {
      if (!acceptors.has(acceptor) || acceptor.deadline > now) continue
      acceptors.delete(acceptor)
      acceptor.timedOut()
    }
  }

  const serveAll = (now: number): void => {
    grantSessions(now)
    for (const side of sides) while (serveRound(side, now));
    setAlarm()
  }

  const act = <T>(change: (now: number) => T): T => {
    const now = clock.now()
    storage.catchUp(now)
    try {
      return change(now)
    } finally {
      serveAll(now)
    }
  }

  const lockedEntry = (token: string): Entry => {
    const entry = storage.locked(token)
    if (entry === undefined) throw messageLockLost()
    return entry
  }

  const outcomes: Record<Outcome, (entry: Entry, properties: Properties, now: number) => void> = {
    complete: (entry) => storage.discard(entry),
    abandon: (entry, properties, now) => storage.giveBack(entry, 'failed', properties, now),
    defer: (entry, properties, now) => storage.defer(entry, properties, now),
    deadLetter(entry, properties) {
      if (entry.isDeadLetter) throw notAllowed('A dead letter cannot be dead-lettered again.')
      storage.bury(entry, properties)
    },
  }

  const checkHold = (hold: Hold): void => {
    if (hold.isLost) throw sessionLockLost(hold.sessionId)
  }

  const sourceOf = (side: Side): Source => {
    const { lane, consumers } = side
    const requiresSession = settings.requiresSession && side === messages
    return {
      requiresSession,
      join(consumer) {
        consumers.add(consumer)
        setAlarm()
        return () => {
          consumers.delete(consumer)
          setAlarm()
        }
      },
      peek: (from, max, sessionId) =>
        act(() =>
          lane
            .entries()
            .filter((entry) => entry.sequenceNumber >= from)
            .filter(({ content }) => sessionId === undefined || content.sessionId === sessionId)
            .slice(0, max),
        ),
      takeDeferred: (sequenceNumbers, mode, hold) =>
        act((now) => {
          if (hold !== undefined) checkHold(hold)
          const entries = [...new Set(sequenceNumbers)].map((sequenceNumber) => {
            const entry = lane.get(sequenceNumber)
            const isThere = entry?.state === 'deferred' && entry.lock === null
            const isOfSession = hold === undefined || entry?.content.sessionId === hold.sessionId
            if (entry === undefined || !isThere || !isOfSession) throw notFound(sequenceNumber)
            return entry
          })
          return entries.map((entry) => take(entry, mode, hold, now))
        }),
    }
  }

  return {
    name,
    settings,
    messages: sourceOf(messages),
    deadLetters: sourceOf(deadLetters),
    send: (contents) =>
      act((now) => {
        if (settings.requiresSession && contents.some(({ sessionId }) => sessionId === undefined)) {
          throw notAllowed(`The SessionId was not set on a message, and it cannot be sent to the entity '${name}'.`)
        }
        return contents.map((content) => storage.add(content, now))
      }),
    cancel: (sequenceNumbers) =>
      act(() => {
        const entries = [...new Set(sequenceNumbers)].map((sequenceNumber) => {
          const entry = storage.messages.get(sequenceNumber)
          if (entry?.state !== 'scheduled') throw notFound(sequenceNumber)
          return entry
        })
        for (const entry of entries) storage.discard(entry)
      }),
    settle: (token, outcome, properties) => act((now) => outcomes[outcome](lockedEntry(token), properties, now)),
    renew: (token) =>
      act((now) => {
        const entry = lockedEntry(token)
        storage.renew(entry, now)
        return entry.lock?.hold?.until ?? entry.lock?.until ?? now
      }),
    serve: () => act(() => {}),
    acceptSession: (sessionId, owner, onLost) =>
      act((now) => sessions.lock(sessionId, owner, now + settings.lockDurationMs, onLost)),
    acceptNext: (acceptor) =>
      act(() => {
        acceptors.add(acceptor)
        return () => {
          acceptors.delete(acceptor)
          setAlarm()
        }
      }),
    releaseSession(hold) {
      if (!hold.isLost) act((now) => storage.unlockSession(hold, 'released', now))
    },
    held: (sessionId, owner) => act(() => sessions.held(sessionId, owner)),
    renewSession: (hold) =>
      act((now) => {
        checkHold(hold)
        sessions.renew(hold, now + settings.lockDurationMs)
        return hold.until
      }),
    sessionState: (sessionId) => act(() => sessions.state(sessionId)),
    setSessionState: (sessionId, state) => act(() => sessions.setState(sessionId, state)),
    close() {
      isClosed = true
      setAlarm()
    },
  }
}
