import { type Clock, QueueError } from '@queue-runtime/core'
import type { Random } from '../random.ts'

/** What can fail, as a whole and at any single call. */
export type Part = 'broker' | 'key store' | 'nonce store'

/** The process that a call belongs to. A process that is dead gets no answer any more. */
export interface Process {
  isDead: boolean
}

/** Decides what becomes of each call over the wire: delayed, failed before its effect or after it, or unanswered. */
export interface Weather {
  /** Runs `effect` as the weather is; `part` says which outages stop it. */
  call<T>(part: Part, by: Process, effect: () => Promise<T>): Promise<T>
  /** Begins or ends an outage. */
  turn(part: Part, isDown: boolean): void
  /** No fault from now on, and no outage. */
  clearUp(): void
  /** How often each fault happened. */
  readonly counts: Record<'failed before' | 'lost acknowledgement' | 'delayed' | Part, number>
}

const FAILURES: Record<Part, () => Error> = {
  broker: () => new QueueError('ConnectionFailed', 'The broker is away.', { retryAfterMs: 1_000 }),
  'key store': () => new Error('The key store is away.'),
  'nonce store': () => new Error('The nonce store is away.'),
}

const never = <T>(): Promise<T> => new Promise(() => {})

export function createWeather(clock: Clock, random: Random): Weather {
  const down = new Set<Part>()
  let isClear = false
  const counts: Weather['counts'] = {
    'failed before': 0,
    'lost acknowledgement': 0,
    delayed: 0,
    broker: 0,
    'key store': 0,
    'nonce store': 0,
  }

  const happens = (fault: keyof Weather['counts'], share: number): boolean => {
    if (isClear || !random.chance(share)) return false
    counts[fault] += 1
    return true
  }

  const assertUp = (part: Part): void => {
    if (!down.has(part)) return
    counts[part] += 1
    throw FAILURES[part]()
  }

  return {
    counts,
    async call(part, by, effect) {
      if (by.isDead) return never()
      if (happens('delayed', 0.05)) await clock.sleep(random.below(2_000))
      assertUp(part)
      if (happens('failed before', 0.03)) throw FAILURES[part]()
      const result = await effect()
      if (by.isDead) return never()
      if (happens('lost acknowledgement', 0.03)) throw FAILURES[part]()
      return result
    },
    turn(part, isDown) {
      if (isDown && !isClear) down.add(part)
      else down.delete(part)
    },
    clearUp() {
      isClear = true
      down.clear()
    },
  }
}
