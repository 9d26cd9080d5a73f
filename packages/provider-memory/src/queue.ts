import type { QueueError } from '@queue-runtime/core'
import type { Delivery, WireMessage } from '@queue-runtime/core/provider'
import { createAlarm } from './alarm.ts'
import { createRecentIds } from './deduplication.ts'
import { createDelivery } from './delivery.ts'
import { brokerIdOf } from './entry.ts'
import { queueFull } from './errors.ts'
import { createHolder } from './holder.ts'
import type { Lane } from './lane.ts'
import type { BrokerSettings } from './options.ts'
import { createSessionDesk, type SessionDesk } from './session-desk.ts'
import { type Counter, createSource, type Source } from './source.ts'
import { createStorage } from './storage.ts'
import { type RawMessage, snapshot } from './stored-message.ts'
import { createWaitingRoom, serveLine } from './waiting-room.ts'

/** Storage and who waits for it. Nothing runs by itself: each call looks at the clock, and an alarm does while somebody waits. */
export interface Queue extends Pick<Counter, 'change'> {
  readonly messages: Source
  readonly deadLetters: Source
  readonly sessions: Pick<SessionDesk, 'accept' | 'wait'>
  /** Stores copies of what is new and fits, in order; one outcome per message. */
  send(messages: readonly WireMessage[]): { readonly error: QueueError | null }[]
  /** Stores a copy, whatever its size, its ids or the number of messages; returns the broker's id of it. */
  put(message: RawMessage): string
}

export function createQueue(name: string, settings: BrokerSettings): Queue {
  const { clock, deduplicationWindowMs, maxQueueSize, onStored } = settings
  const storage = createStorage(name, settings)
  const recentIds = createRecentIds(deduplicationWindowMs)
  const room = createWaitingRoom()
  const readers = room.openLine<Delivery[]>()
  const letterReaders = room.openLine<Delivery[]>()
  const alarm = createAlarm(clock, () => change(() => {}))

  const setAlarm = (): void =>
    alarm.set(room.size === 0 ? Number.POSITIVE_INFINITY : Math.min(storage.nextDue(), room.nextDeadline()))

  const change: Counter['change'] = (act) => {
    const now = clock.now()
    storage.catchUp(now)
    recentIds.forget(now)
    serve(now)
    const result = act(storage, now)
    serve(now)
    return result
  }

  const holder = createHolder(name, settings, change)

  const counter: Counter = {
    change,
    openLine: room.openLine,
    join(line, waitMs, find) {
      const waiter = line.join(clock.now() + waitMs, find)
      setAlarm()
      return {
        ...waiter,
        leave() {
          waiter.leave()
          setAlarm()
        },
      }
    },
    deliver: ({ entry, lock }) => createDelivery(entry, lock, holder),
  }

  const desk = createSessionDesk(name, storage, counter)

  /** Who waits for messages and who waits for a session may want the same: the first that can be served goes first. */
  const serveReaders = (now: number): void => {
    for (let isServed = true; isServed; ) {
      const firsts = [readers.first(), desk.waiting.first()].filter((waiter) => waiter !== undefined)
      isServed = firsts.sort((a, b) => a.order - b.order).some((waiter) => waiter.serve(now))
    }
  }

  /** Hands out what can be received, first come first served, then sends those away whose time is over. */
  const serve = (now: number): void => {
    desk.serve(now)
    if (room.size > 0) {
      serveReaders(now)
      serveLine(letterReaders, now)
      room.leaveLate(now)
    }
    setAlarm()
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

  const sendOne = (message: WireMessage, now: number): QueueError | null => {
    if (recentIds.has(message.deduplicationId)) return null
    if (storage.messages.size >= maxQueueSize) return queueFull(name, message.messageId)
    store(message, now)
    recentIds.add(message.deduplicationId, now)
    return null
  }

  const sourceOf = (lane: Lane, line: typeof readers): Source =>
    createSource(counter, line, (now) => storage.lockFirst(lane, now))

  return {
    messages: sourceOf(storage.messages, readers),
    deadLetters: sourceOf(storage.deadLetters, letterReaders),
    sessions: desk,
    change,
    put: (message) => change((_, now) => store(message, now)),
    send: (messages) => change((_, now) => messages.map((message) => ({ error: sendOne(message, now) }))),
  }
}
