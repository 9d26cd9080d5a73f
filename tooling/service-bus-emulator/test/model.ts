/** What a queue of Service Bus does, in the slowest and plainest way: a list that is searched, and time that passes in steps of one. */

export interface Rules {
  readonly lockDurationMs: number
  readonly maxDeliveryCount: number
  readonly timeToLiveMs: number
  readonly deadLetterOnExpiration: boolean
  readonly requiresSession: boolean
  readonly duplicateDetectionMs: number
}

export type Side = 'messages' | 'deadLetters'
export type Outcome = 'complete' | 'abandon' | 'defer' | 'deadLetter'

export interface ModelMessage {
  seq: number
  readonly id: string
  readonly session: string | undefined
  readonly scheduledAt: number
  readonly expiresAt: number
  state: 'active' | 'deferred' | 'scheduled'
  deliveryCount: number
  /** The number of the delivery that holds it. */
  heldBy: number | null
  lockedUntil: number
  side: Side
  reason: string | undefined
}

interface ModelHold {
  readonly number: number
  readonly session: string
  until: number
}

export interface Model {
  readonly now: number
  list(side: Side): ModelMessage[]
  holds(): readonly ModelHold[]
  advance(ms: number): void
  send(id: string, session: string | undefined, inMs: number, timeToLiveMs: number | undefined): number | 'not-allowed'
  cancel(seq: number): string
  take(side: Side, max: number, mode: 'lock' | 'delete', hold: number | undefined): Taken[]
  takeDeferred(side: Side, seq: number, hold: number | undefined): Taken[] | string
  settle(delivery: number, outcome: Outcome): string
  renew(delivery: number): string
  accept(session: string): number | 'session-cannot-be-locked'
  acceptNext(): number | 'none'
  renewSession(hold: number): string
  release(hold: number): void
}

/** What was handed out, as it was then. */
export interface Taken {
  readonly number: number
  readonly seq: number
  readonly deliveryCount: number
  readonly lockedUntil: number | undefined
}

export function createModel(rules: Rules, start: number): Model {
  let all: ModelMessage[] = []
  let holds: ModelHold[] = []
  let known: { id: string; seq: number; until: number }[] = []
  let now = start
  let lastSeq = 0
  let lastNumber = 0

  const number = (): number => {
    lastNumber += 1
    return lastNumber
  }
  const drop = (message: ModelMessage): void => {
    all = all.filter((other) => other !== message)
  }
  const list = (side: Side): ModelMessage[] =>
    all.filter((message) => message.side === side).sort((a, b) => a.seq - b.seq)
  const holdOf = (message: ModelMessage): ModelHold | undefined =>
    rules.requiresSession && message.side === 'messages'
      ? holds.find(({ session }) => session === message.session)
      : undefined
  const isFree = ({ state, heldBy }: ModelMessage): boolean => state === 'active' && heldBy === null
  const held = (delivery: number): ModelMessage | undefined => all.find(({ heldBy }) => heldBy === delivery)

  const bury = (message: ModelMessage, reason: string): void => {
    message.side = 'deadLetters'
    message.state = 'active'
    message.reason = reason
  }

  const judge = (message: ModelMessage): void => {
    if (message.heldBy !== null || message.side === 'deadLetters' || message.state === 'scheduled') return
    if (now >= message.expiresAt) {
      if (rules.deadLetterOnExpiration) bury(message, 'TTLExpiredException')
      else drop(message)
    } else if (message.deliveryCount >= rules.maxDeliveryCount) bury(message, 'MaxDeliveryCountExceeded')
  }

  const fail = (message: ModelMessage): void => {
    message.heldBy = null
    message.deliveryCount += 1
    judge(message)
  }

  const endHold = (hold: ModelHold, isFailure: boolean): void => {
    const mine = all.filter((message) => message.heldBy !== null && holdOf(message) === hold)
    holds = holds.filter((other) => other !== hold)
    for (const message of mine) {
      message.heldBy = null
      if (isFailure) message.deliveryCount += 1
      judge(message)
    }
  }

  const tick = (): void => {
    for (const hold of holds.filter(({ until }) => until <= now)) endHold(hold, true)
    for (const message of [...all].sort((a, b) => a.seq - b.seq)) {
      if (message.heldBy !== null && holdOf(message) === undefined && message.lockedUntil <= now) fail(message)
      if (message.state === 'scheduled' && message.scheduledAt <= now) {
        lastSeq += 1
        message.seq = lastSeq
        message.state = 'active'
      }
      judge(message)
    }
    known = known.filter(({ until }) => until > now)
  }

  const hand = (message: ModelMessage, mode: 'lock' | 'delete'): Taken => {
    const { seq, deliveryCount } = message
    const taken = number()
    if (mode === 'delete') {
      drop(message)
      return { number: taken, seq, deliveryCount, lockedUntil: undefined }
    }
    message.heldBy = taken
    message.lockedUntil = holdOf(message)?.until ?? now + rules.lockDurationMs
    return { number: taken, seq, deliveryCount, lockedUntil: message.lockedUntil }
  }

  const mayTake = (message: ModelMessage, side: Side, hold: number | undefined): boolean =>
    rules.requiresSession && side === 'messages' ? hold !== undefined && holdOf(message)?.number === hold : true

  const lock = (session: string): number => {
    const hold = { number: number(), session, until: now + rules.lockDurationMs }
    holds.push(hold)
    return hold.number
  }

  return {
    get now() {
      return now
    },
    list,
    holds: () => holds,
    advance(ms) {
      for (let step = 0; step < ms; step += 1) {
        now += 1
        tick()
      }
    },
    send(id, session, inMs, timeToLiveMs = Number.POSITIVE_INFINITY) {
      if (rules.requiresSession && session === undefined) return 'not-allowed'
      const twin = known.find((each) => each.id === id)
      if (twin !== undefined) return twin.seq
      lastSeq += 1
      const scheduledAt = now + inMs
      const from = Math.max(now, scheduledAt)
      all.push({
        ...{ seq: lastSeq, id, session, scheduledAt, state: inMs > 0 ? 'scheduled' : 'active', deliveryCount: 0 },
        ...{ expiresAt: from + Math.min(timeToLiveMs, rules.timeToLiveMs), heldBy: null, lockedUntil: 0 },
        ...{ side: 'messages', reason: undefined },
      })
      if (rules.duplicateDetectionMs > 0) known.push({ id, seq: lastSeq, until: now + rules.duplicateDetectionMs })
      return lastSeq
    },
    cancel(seq) {
      const message = all.find((each) => each.seq === seq && each.state === 'scheduled')
      if (message === undefined) return 'message-not-found'
      drop(message)
      return 'done'
    },
    take: (side, max, mode, hold) =>
      list(side)
        .filter((message) => isFree(message) && mayTake(message, side, hold))
        .slice(0, max)
        .map((message) => hand(message, mode)),
    takeDeferred(side, seq, hold) {
      const message = list(side).find((each) => each.seq === seq && each.state === 'deferred' && each.heldBy === null)
      if (message === undefined || !mayTake(message, side, hold)) return 'message-not-found'
      return [hand(message, 'lock')]
    },
    settle(delivery, outcome) {
      const message = held(delivery)
      if (message === undefined) return 'message-lock-lost'
      if (outcome === 'deadLetter' && message.side === 'deadLetters') return 'not-allowed'
      if (outcome === 'abandon') fail(message)
      else {
        message.heldBy = null
        if (outcome === 'complete') drop(message)
        if (outcome === 'deadLetter') bury(message, 'asked for')
        if (outcome === 'defer') message.state = 'deferred'
        judge(message)
      }
      return 'done'
    },
    renew(delivery) {
      const message = held(delivery)
      if (message === undefined) return 'message-lock-lost'
      message.lockedUntil = now + rules.lockDurationMs
      return 'done'
    },
    accept: (session) => (holds.some((hold) => hold.session === session) ? 'session-cannot-be-locked' : lock(session)),
    acceptNext() {
      const first = list('messages').find((message) => isFree(message) && holdOf(message) === undefined)
      return first?.session === undefined ? 'none' : lock(first.session)
    },
    renewSession(wanted) {
      const hold = holds.find((each) => each.number === wanted)
      if (hold === undefined) return 'session-lock-lost'
      hold.until = now + rules.lockDurationMs
      return 'done'
    },
    release(wanted) {
      const hold = holds.find((each) => each.number === wanted)
      if (hold !== undefined) endHold(hold, false)
    },
  }
}
