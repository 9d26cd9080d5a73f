/** What a broker does, in the slowest and plainest way: lists that are searched, and time that passes in steps of one. */

export interface Rules {
  readonly lockMs: number
  readonly maxDeliveryCount: number
  readonly deadLetter: boolean
  readonly maxQueueSize: number
}

export type Side = 'messages' | 'deadLetters'
export type Act = 'complete' | 'abandon' | 'deadLetter' | 'renewLock'

export interface ModelMessage {
  readonly id: string
  body: string
  deliveryCount: number
  visibleAt: number
  expiresAt: number
  /** The number of the delivery that holds it. */
  heldBy: number | null
  lockedUntil: number
  buried: { readonly reason: string; readonly at: number } | null
}

export interface ModelDelivery {
  readonly number: number
  readonly id: string
  readonly body: string
  readonly deliveryCount: number
  readonly lockedUntil: number
}

interface Waiter {
  readonly side: Side
  readonly maxMessages: number
  readonly deadline: number
  readonly done: (deliveries: ModelDelivery[]) => void
}

export interface Model {
  readonly now: number
  list(side: Side): readonly ModelMessage[]
  advance(ms: number): void
  put(body: string, deliverAt: number, timeToLiveMs: number): void
  send(body: string, deliverAt: number, timeToLiveMs: number): 'Throttled' | 'stored'
  /** Calls `done` at once, or when something comes, or at the deadline. Returns how to leave before. */
  receive(side: Side, maxMessages: number, waitMs: number, done: Waiter['done']): () => void
  act(delivery: number, act: Act, delayMs: number): 'done' | 'MessageLockLost' | 'Unsupported'
  edit(id: string, body: string): boolean
  remove(id: string): boolean
}

export function createModel({ lockMs, maxDeliveryCount, deadLetter, maxQueueSize }: Rules, start: number): Model {
  const lists: Record<Side, ModelMessage[]> = { messages: [], deadLetters: [] }
  let waiters: Waiter[] = []
  let now = start
  let lastId = 0
  let lastDelivery = 0

  const all = (): ModelMessage[] => [...lists.messages, ...lists.deadLetters]
  const byId = (id: string): ModelMessage | undefined => all().find((message) => message.id === id)

  const drop = (message: ModelMessage): void => {
    lists.messages = lists.messages.filter((other) => other !== message)
    lists.deadLetters = lists.deadLetters.filter((other) => other !== message)
  }

  const bury = (message: ModelMessage, reason: string): void => {
    drop(message)
    if (!deadLetter) return
    message.buried = { reason, at: now }
    message.visibleAt = now
    lists.deadLetters.push(message)
  }

  /** Decides on a message that nobody holds. */
  const judge = (message: ModelMessage): void => {
    if (message.buried !== null) return
    if (now >= message.expiresAt) bury(message, 'TTLExpiredException')
    else if (deadLetter && message.deliveryCount >= maxDeliveryCount) bury(message, 'MaxDeliveryCountExceeded')
  }

  const hand = (side: Side, maxMessages: number): ModelDelivery[] => {
    const ready = lists[side].filter(({ heldBy, visibleAt }) => heldBy === null && visibleAt <= now)
    return ready.slice(0, maxMessages).map((message) => {
      lastDelivery += 1
      message.heldBy = lastDelivery
      message.lockedUntil = now + lockMs
      message.deliveryCount += 1
      return { ...message, number: lastDelivery }
    })
  }

  /** What the present moment brings: locks end, messages expire, those who wait are served, the late ones go. */
  const settle = (): void => {
    for (const message of all()) {
      if (message.heldBy !== null && message.lockedUntil > now) continue
      message.heldBy = null
      judge(message)
    }
    for (const side of ['messages', 'deadLetters'] as const) {
      for (const waiter of waiters.filter((each) => each.side === side)) {
        const deliveries = hand(side, waiter.maxMessages)
        if (deliveries.length === 0 && waiter.deadline > now) continue
        waiters = waiters.filter((other) => other !== waiter)
        waiter.done(deliveries)
      }
    }
  }

  const put: Model['put'] = (body, deliverAt, timeToLiveMs) => {
    lastId += 1
    const visibleAt = Math.max(now, deliverAt)
    const times = { visibleAt, expiresAt: visibleAt + timeToLiveMs, lockedUntil: 0 }
    lists.messages.push({ id: `${lastId}`, body, deliveryCount: 0, heldBy: null, buried: null, ...times })
    settle()
  }

  return {
    get now() {
      return now
    },
    list: (side) => lists[side],
    advance(ms) {
      for (let step = 0; step < ms; step += 1) {
        now += 1
        settle()
      }
    },
    put,
    send(...message) {
      if (lists.messages.length >= maxQueueSize) return 'Throttled'
      put(...message)
      return 'stored'
    },
    receive(side, maxMessages, waitMs, done) {
      const found = hand(side, maxMessages)
      if (found.length > 0 || waitMs === 0) {
        done(found)
        return () => {}
      }
      const waiter = { side, maxMessages, deadline: now + waitMs, done }
      waiters.push(waiter)
      return () => {
        waiters = waiters.filter((other) => other !== waiter)
      }
    },
    act(delivery, act, delayMs) {
      const message = all().find(({ heldBy }) => heldBy === delivery)
      if (message === undefined) return 'MessageLockLost'
      if (act === 'deadLetter' && (!deadLetter || message.buried !== null)) return 'Unsupported'
      if (act === 'renewLock') {
        message.lockedUntil = now + lockMs
        return 'done'
      }
      message.heldBy = null
      if (act === 'complete') drop(message)
      if (act === 'deadLetter') bury(message, 'asked for')
      if (act === 'abandon') message.visibleAt = now + delayMs
      settle()
      return 'done'
    },
    edit(id, body) {
      const message = byId(id)
      if (message !== undefined) message.body = body
      return message !== undefined
    },
    remove(id) {
      const message = byId(id)
      if (message !== undefined) drop(message)
      return message !== undefined
    },
  }
}
