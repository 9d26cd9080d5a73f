import type { QueueError } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { createAlarm } from './alarm.ts'
import { createDelivery, type Holder } from './delivery.ts'
import { brokerIdOf, type Entry, type Lock } from './entry.ts'
import { lockLost, noDeadLetters, queueFull } from './errors.ts'
import type { Lane } from './lane.ts'
import { createLine, type Line, type Waiter } from './line.ts'
import type { BrokerSettings } from './options.ts'
import { createStorage, type Storage } from './storage.ts'
import { type RawMessage, snapshot } from './stored-message.ts'

/** What messages are received from: a queue, or its dead letters. */
export interface Source {
  /** Locks and returns what can be received at once. */
  take(maxMessages: number): Delivery[]
  /** Stands in line for what comes within `waitMs`. */
  wait(maxMessages: number, waitMs: number): Waiter
}

/** Storage and who waits for it. Nothing runs by itself: each call looks at the clock, and an alarm does while somebody waits. */
export interface Queue {
  readonly messages: Source
  readonly deadLetters: Source
  /** Stores copies of what fits, in order; one outcome per message. */
  send(messages: readonly RawMessage[]): { readonly error: QueueError | null }[]
  /** Stores a copy, whatever its size or the number of messages; returns the broker's id of it. */
  put(message: RawMessage): string
  /** Runs `act` on the storage as it is now; whoever waits is served afterwards. */
  change<T>(act: (storage: Storage, now: number) => T): T
}

interface Side {
  readonly lane: Lane
  readonly line: Line
}

export function createQueue(name: string, settings: BrokerSettings): Queue {
  const { clock, maxQueueSize, onStored } = settings
  const storage = createStorage(name, settings)
  const messages: Side = { lane: storage.messages, line: createLine() }
  const deadLetters: Side = { lane: storage.deadLetters, line: createLine() }
  const sides = [messages, deadLetters]
  const alarm = createAlarm(clock, () => change(() => {}))

  const take = (lane: Lane, maxMessages: number, now: number): Delivery[] => {
    const deliveries: Delivery[] = []
    while (deliveries.length < maxMessages) {
      const locked = storage.lockFirst(lane, now)
      if (locked === undefined) break
      deliveries.push(createDelivery(locked.entry, locked.lock, holder))
    }
    return deliveries
  }

  const setAlarm = (): void => {
    const isAwaited = sides.some(({ line }) => line.size > 0)
    // Both lanes count for each waiter: a lock that ends at the queue may make a dead letter.
    const moments = isAwaited ? sides.flatMap(({ lane, line }) => [lane.nextDue(), line.nextDeadline()]) : []
    alarm.set(Math.min(...moments))
  }

  /** Hands out what can be received, first come first served, then sends those away whose time is over. */
  const serve = (now: number): void => {
    for (const { lane, line } of sides) {
      for (let next = line.first(); next !== undefined; next = line.first()) {
        const deliveries = take(lane, next.maxMessages, now)
        if (deliveries.length === 0) break
        next.leave(deliveries)
      }
      line.leaveLate(now)
    }
    setAlarm()
  }

  const change: Queue['change'] = (act) => {
    const now = clock.now()
    storage.catchUp(now)
    serve(now)
    const result = act(storage, now)
    serve(now)
    return result
  }

  const whileHeld = (operation: string, entry: Entry, lock: Lock, act: (now: number) => void): void =>
    change((_, now) => {
      if (entry.lock !== lock) throw lockLost(name, entry.content.messageId, operation)
      act(now)
    })

  const holder: Holder = {
    complete: (entry, lock) => whileHeld('complete', entry, lock, () => storage.discard(entry)),
    abandon: (entry, lock, delayMs) =>
      whileHeld('abandon', entry, lock, (now) => storage.release(entry, now + delayMs, now)),
    deadLetter: (entry, lock, reason) =>
      whileHeld('deadLetter', entry, lock, (now) => {
        const isPossible = settings.deadLetter && entry.deadLettered === undefined
        if (!isPossible) throw noDeadLetters(name, entry.content.messageId)
        storage.bury(entry, reason, now)
      }),
    renew: (entry, lock) => whileHeld('renewLock', entry, lock, (now) => storage.renew(entry, lock, now)),
  }

  const store = (message: RawMessage, now: number): string => {
    const entry = storage.add(message, now)
    try {
      onStored?.(name, snapshot(entry, now))
    } catch {
      // The message is stored, whatever its observer makes of it.
    }
    return brokerIdOf(entry)
  }

  const sourceOf = ({ lane, line }: Side): Source => ({
    take: (maxMessages) => change((_, now) => take(lane, maxMessages, now)),
    wait(maxMessages, waitMs) {
      const waiter = line.join(maxMessages, clock.now() + waitMs)
      setAlarm()
      return {
        ...waiter,
        leave() {
          waiter.leave()
          setAlarm()
        },
      }
    },
  })

  return {
    messages: sourceOf(messages),
    deadLetters: sourceOf(deadLetters),
    change,
    put: (message) => change((_, now) => store(message, now)),
    send: (wire) =>
      change((_, now) =>
        wire.map((message) => {
          if (storage.messages.size >= maxQueueSize) return { error: queueFull(name, message.messageId) }
          store(message, now)
          return { error: null }
        }),
      ),
  }
}
