import { agePromise } from './promises.ts'
import { type Consumer, IDLE, NAMES, type State, TICK_MS, type Who } from './state.ts'
import { TIMES } from './subject.ts'

/** From this age on, in ticks, the message is stale by a clock that is off by twice the tolerance, and all times are the same. */
const OLDEST = (TIMES.maxMessageAgeMs + 3 * TIMES.clockSkewToleranceMs) / TICK_MS

export const consumerOf = (state: State, who: Who): Consumer => state.consumers[who]

export const withConsumer = (state: State, who: Who, change: Partial<Consumer>): State => {
  const [first, second] = state.consumers
  const consumers: State['consumers'] =
    who === 0 ? [{ ...first, ...change }, second] : [first, { ...second, ...change }]
  return { ...state, consumers }
}

export const withCopy = (state: State, wait: number): State => ({
  ...state,
  waiting: [...state.waiting, wait].sort((a, b) => a - b),
})

/** The delivery is over; where it still had the lock, its copy can be received again after `wait` ticks, or is gone. */
export const end = (state: State, who: Who, wait: number | 'gone'): State => {
  const hadLock = consumerOf(state, who).lock > 0
  const { record } = state
  const isOrphan = record?.state === 'claimed' && record.token === NAMES[who]
  const ended = { ...withConsumer(state, who, IDLE), record: isOrphan ? { ...record, token: 'over' } : record }
  return hadLock && wait !== 'gone' ? withCopy(ended, wait) : ended
}

/** The copy stays locked until its lock ends. */
export const vanish = (state: State, who: Who): State => end(state, who, consumerOf(state, who).lock)

export const spend = (state: State): State => ({ ...state, faultsLeft: state.faultsLeft - 1 })

const ageRecord = (record: State['record']): State['record'] => {
  if (record === undefined || record.expiresAt < TICK_MS) return undefined
  const expiresAt = record.expiresAt - TICK_MS
  return record.state === 'claimed'
    ? { ...record, expiresAt, leaseEnd: Math.max(0, record.leaseEnd - TICK_MS) }
    : { ...record, expiresAt }
}

export const passTick = (state: State): State => {
  const consumers = state.consumers.map(({ phase, lock, leaseMs }) => ({
    phase,
    lock: Math.max(0, lock - 1),
    leaseMs: Math.max(0, leaseMs - TICK_MS),
  })) as [Consumer, Consumer]
  const freed = state.consumers.filter(({ lock }) => lock === 1).map(() => 0)
  const waiting = state.waiting.map((wait) => Math.max(0, wait - 1))
  return {
    ...state,
    age: Math.min(OLDEST, state.age + 1),
    record: ageRecord(state.record),
    promise: agePromise(state.promise),
    waiting: [...freed, ...waiting].sort((a, b) => a - b),
    consumers,
  }
}
