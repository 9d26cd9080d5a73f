/** What a broker does, in the slowest and plainest way: lists that are searched, and time that passes in steps of one. */

export interface Rules {
  readonly lockMs: number
  readonly sessionLockMs: number
  readonly maxDeliveryCount: number
  readonly deadLetter: boolean
  readonly maxQueueSize: number
  /** Undefined: no duplicate is looked for. */
  readonly deduplicationWindowMs: number | undefined
}

export type Side = 'messages' | 'deadLetters'
export type Act = 'complete' | 'abandon' | 'deadLetter' | 'renewLock'

export interface ModelMessage {
  readonly id: string
  body: string
  /** Where it was sent to, or moved to; it joins that session when nobody holds it. */
  sessionId: string | undefined
  session: string | undefined
  deliveryCount: number
  visibleAt: number
  expiresAt: number
  /** The number of the delivery that holds it. */
  heldBy: number | null
  /** The number of the session lock under which it is held. */
  heldIn: number | null
  lockedUntil: number
  buried: { readonly reason: string; readonly at: number } | null
}

export interface ModelDelivery {
  readonly number: number
  readonly id: string
  readonly body: string
  readonly sessionId: string | undefined
  readonly deliveryCount: number
  readonly lockedUntil: number
}

export interface ModelSession {
  readonly number: number
  readonly id: string
  readonly lockedUntil: number
}

interface NewMessage {
  readonly body: string
  readonly sessionId: string | undefined
  readonly deduplicationId: string
  readonly deliverAt: number
  readonly timeToLiveMs: number
}

interface Waiter {
  readonly deadline: number
  /** The session lock in which it waits. */
  readonly lock: number | undefined
  /** Takes what there is; false where there is nothing. */
  readonly serve: () => boolean
  /** It gets nothing any more. */
  readonly end: () => void
}

export interface Model {
  readonly now: number
  list(side: Side): readonly ModelMessage[]
  lockedUntil(message: ModelMessage): number
  advance(ms: number): void
  put(message: NewMessage): void
  send(message: NewMessage): 'Throttled' | 'stored'
  /** Calls `done` at once, or when something comes, or at the deadline. Returns how to leave before. */
  receive(side: Side, maxMessages: number, waitMs: number, done: (deliveries: ModelDelivery[]) => void): () => void
  act(delivery: number, act: Act, delayMs: number): 'done' | 'MessageLockLost' | 'SessionLockLost' | 'Unsupported'
  acceptNext(waitMs: number, done: (session: ModelSession | null) => void): () => void
  acceptNamed(id: string): ModelSession | { readonly lockedUntil: number }
  receiveIn(
    session: number,
    maxMessages: number,
    waitMs: number,
    done: (deliveries: ModelDelivery[] | 'SessionLockLost') => void,
  ): () => void
  /** The new end of the lock. */
  renew(session: number): number | 'SessionLockLost'
  close(session: number): void
  edit(id: string, change: Pick<ModelMessage, 'body' | 'sessionId'>): boolean
  remove(id: string): boolean
}

export function createModel(rules: Rules, start: number): Model {
  const { lockMs, sessionLockMs, maxDeliveryCount, deadLetter, maxQueueSize, deduplicationWindowMs = 0 } = rules
  const lists: Record<Side, ModelMessage[]> = { messages: [], deadLetters: [] }
  /** The locks of sessions that last, in the order they were taken. */
  let locks: { number: number; id: string; lockedUntil: number }[] = []
  let sent: { readonly deduplicationId: string; readonly at: number }[] = []
  let waiters: Waiter[] = []
  /** Which session lock a delivery was made under. */
  const madeIn = new Map<number, number>()
  let now = start
  let lastId = 0
  let lastDelivery = 0
  let lastLock = 0

  const all = (): ModelMessage[] => [...lists.messages, ...lists.deadLetters]
  const byId = (id: string): ModelMessage | undefined => all().find((message) => message.id === id)
  const lockOf = (number: number | null) => locks.find((lock) => lock.number === number)
  const lockedUntil = (message: ModelMessage): number => lockOf(message.heldIn)?.lockedUntil ?? message.lockedUntil

  const membersOf = (session: string): ModelMessage[] => lists.messages.filter((message) => message.session === session)

  /** When the hold on a session ends; undefined where it is free. */
  const heldUntil = (session: string): number | undefined =>
    locks.find(({ id }) => id === session)?.lockedUntil ??
    membersOf(session).find(({ heldBy, heldIn }) => heldBy !== null && heldIn === null)?.lockedUntil

  const isDelayed = (session: string): boolean =>
    membersOf(session).some(
      ({ heldBy, visibleAt, deliveryCount }) => heldBy === null && visibleAt > now && deliveryCount > 0,
    )

  const isReady = ({ heldBy, visibleAt, session }: ModelMessage): boolean =>
    heldBy === null && visibleAt <= now && (session === undefined || !isDelayed(session))

  const isForAll = (message: ModelMessage): boolean =>
    isReady(message) && (message.session === undefined || heldUntil(message.session) === undefined)

  const drop = (message: ModelMessage): void => {
    lists.messages = lists.messages.filter((other) => other !== message)
    lists.deadLetters = lists.deadLetters.filter((other) => other !== message)
  }

  const bury = (message: ModelMessage, reason: string): void => {
    drop(message)
    if (!deadLetter) return
    Object.assign(message, { buried: { reason, at: now }, visibleAt: now, session: undefined })
    lists.deadLetters.push(message)
  }

  /** Decides on a message that nobody holds any more. */
  const judge = (message: ModelMessage): void => {
    message.heldBy = null
    message.heldIn = null
    if (message.buried !== null) return
    message.session = message.sessionId
    if (now >= message.expiresAt) bury(message, 'TTLExpiredException')
    else if (deadLetter && message.deliveryCount >= maxDeliveryCount) bury(message, 'MaxDeliveryCountExceeded')
  }

  const handOne = (message: ModelMessage, heldIn: number | null): ModelDelivery => {
    lastDelivery += 1
    message.heldBy = lastDelivery
    message.heldIn = heldIn
    message.lockedUntil = now + lockMs
    message.deliveryCount += 1
    if (heldIn !== null) madeIn.set(lastDelivery, heldIn)
    return { ...message, number: lastDelivery, lockedUntil: lockedUntil(message) }
  }

  /** One after the other, since each may keep the next from being handed out. */
  const hand = (find: () => ModelMessage | undefined, maxMessages: number, heldIn: number | null): ModelDelivery[] => {
    const deliveries: ModelDelivery[] = []
    for (let message = find(); message !== undefined && deliveries.length < maxMessages; message = find()) {
      deliveries.push(handOne(message, heldIn))
    }
    return deliveries
  }

  const take = (side: Side, maxMessages: number): ModelDelivery[] =>
    hand(() => lists[side].find(side === 'messages' ? isForAll : isReady), maxMessages, null)

  const takeIn = (number: number, maxMessages: number): ModelDelivery[] => {
    const id = lockOf(number)?.id
    return hand(() => lists.messages.find((message) => message.session === id && isReady(message)), maxMessages, number)
  }

  const lock = (id: string): ModelSession => {
    lastLock += 1
    const taken = { number: lastLock, id, lockedUntil: now + sessionLockMs }
    locks.push(taken)
    return taken
  }

  const lockNext = (): ModelSession | undefined => {
    const id = lists.messages.find((message) => message.session !== undefined && isForAll(message))?.session
    return id === undefined ? undefined : lock(id)
  }

  const unlock = (number: number): void => {
    locks = locks.filter((other) => other.number !== number)
    for (const message of lists.messages.filter(({ heldIn }) => heldIn === number)) judge(message)
  }

  /** What the present moment brings: locks end, messages expire, those who wait are served, the late ones go. */
  const settle = (): void => {
    for (const { number, lockedUntil } of locks) if (lockedUntil <= now) unlock(number)
    for (const message of all()) if (message.heldBy === null || lockedUntil(message) <= now) judge(message)
    for (const waiter of waiters) {
      if (waiter.serve()) waiters = waiters.filter((other) => other !== waiter)
    }
    for (const waiter of waiters.filter(({ deadline }) => deadline <= now)) {
      waiters = waiters.filter((other) => other !== waiter)
      waiter.end()
    }
  }

  const wait = (waitMs: number, serve: () => boolean, end: () => void, lock?: number): (() => void) => {
    const waiter: Waiter = { deadline: now + waitMs, lock, serve, end }
    if (serve()) return () => {}
    if (waitMs === 0) end()
    else waiters.push(waiter)
    return () => {
      waiters = waiters.filter((other) => other !== waiter)
    }
  }

  /** Calls `done` where there is something to give. */
  const give = <T>(found: T[], done: (found: T[]) => void): boolean => {
    if (found.length > 0) done(found)
    return found.length > 0
  }

  const put: Model['put'] = ({ body, sessionId, deliverAt, timeToLiveMs }) => {
    lastId += 1
    const visibleAt = Math.max(now, deliverAt)
    const times = { visibleAt, expiresAt: visibleAt + timeToLiveMs, lockedUntil: 0 }
    const nobody = { deliveryCount: 0, heldBy: null, heldIn: null, buried: null }
    lists.messages.push({ id: `${lastId}`, body, sessionId, session: sessionId, ...nobody, ...times })
    settle()
  }

  return {
    get now() {
      return now
    },
    list: (side) => lists[side],
    lockedUntil,
    advance(ms) {
      for (let step = 0; step < ms; step += 1) {
        now += 1
        settle()
      }
    },
    put,
    send(message) {
      sent = sent.filter(({ at }) => now < at + deduplicationWindowMs)
      const { deduplicationId } = message
      if (sent.some((other) => other.deduplicationId === deduplicationId)) return 'stored'
      if (lists.messages.length >= maxQueueSize) return 'Throttled'
      sent.push({ deduplicationId, at: now })
      put(message)
      return 'stored'
    },
    receive: (side, maxMessages, waitMs, done) =>
      wait(
        waitMs,
        () => give(take(side, maxMessages), done),
        () => done([]),
      ),
    act(delivery, act, delayMs) {
      const message = all().find(({ heldBy }) => heldBy === delivery)
      const sessionLock = madeIn.get(delivery)
      if (sessionLock !== undefined && lockOf(sessionLock) === undefined) return 'SessionLockLost'
      if (message === undefined) return 'MessageLockLost'
      if (act === 'deadLetter' && (!deadLetter || message.buried !== null)) return 'Unsupported'
      if (act === 'renewLock') {
        const held = lockOf(message.heldIn)
        if (held === undefined) message.lockedUntil = now + lockMs
        else held.lockedUntil = now + sessionLockMs
        return 'done'
      }
      message.heldBy = null
      message.heldIn = null
      if (act === 'complete') drop(message)
      if (act === 'deadLetter') bury(message, 'asked for')
      if (act === 'abandon') message.visibleAt = now + delayMs
      settle()
      return 'done'
    },
    acceptNext: (waitMs, done) =>
      wait(
        waitMs,
        () => {
          const session = lockNext()
          if (session !== undefined) done(session)
          return session !== undefined
        },
        () => done(null),
      ),
    acceptNamed(id) {
      const until = heldUntil(id)
      return until === undefined ? lock(id) : { lockedUntil: until }
    },
    receiveIn(session, maxMessages, waitMs, done) {
      const serve = (): boolean => {
        if (lockOf(session) !== undefined) return give(takeIn(session, maxMessages), done)
        done('SessionLockLost')
        return true
      }
      return wait(waitMs, serve, () => done([]), session)
    },
    renew(session) {
      const held = lockOf(session)
      if (held === undefined) return 'SessionLockLost'
      held.lockedUntil = now + sessionLockMs
      return held.lockedUntil
    },
    close(session) {
      if (lockOf(session) === undefined) return
      for (const waiter of waiters.filter(({ lock }) => lock === session)) waiter.end()
      waiters = waiters.filter(({ lock }) => lock !== session)
      unlock(session)
      settle()
    },
    edit(id, change) {
      const message = byId(id)
      if (message === undefined) return false
      Object.assign(message, change)
      settle()
      return true
    },
    remove(id) {
      const message = byId(id)
      if (message === undefined) return false
      drop(message)
      settle()
      return true
    },
  }
}
