import { expect, test } from 'vitest'
import { createAlarm } from '../src/alarm.ts'
import { START, watchedClock } from './support.ts'

/** A clock whose sleeps end when told to, even if they were given up in the meantime, as a timer that just fired. */
const manualClock = () => {
  const sleeps: { readonly ms: number; readonly end: () => void }[] = []
  return {
    sleeps,
    now: () => START,
    sleep: (ms: number) => new Promise<void>((end) => void sleeps.push({ ms, end })),
  }
}

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an alarm rings at its moment, and then no more', async () => {
  const clock = watchedClock()
  const rings: number[] = []
  const alarm = createAlarm(clock, () => rings.push(clock.now() - START))
  alarm.set(START + 10)
  await clock.advance(100)
  expect(rings).toEqual([10])
})

test('an earlier moment takes the place of a later one; a later one is not slept for until the alarm has rung', async () => {
  const clock = watchedClock()
  const rings: number[] = []
  const alarm = createAlarm(clock, () => rings.push(clock.now() - START))
  alarm.set(START + 10)
  alarm.set(START + 5)
  alarm.set(START + 20)
  expect(clock.sleeps).toBe(2)
  await clock.advance(100)
  expect([rings, clock.sleepers]).toEqual([[5], 0])
})

test('an alarm that is switched off leaves no timer and does not ring', async () => {
  const clock = watchedClock()
  let rings = 0
  const alarm = createAlarm(clock, () => (rings += 1))
  alarm.set(START + 10)
  alarm.set(Number.POSITIVE_INFINITY)
  await clock.advance(100)
  expect([rings, clock.sleepers]).toEqual([0, 0])
})

test('a moment that has passed rings too', async () => {
  const clock = manualClock()
  const alarm = createAlarm(clock, () => {})
  alarm.set(START - 5)
  expect(clock.sleeps.map(({ ms }) => ms)).toEqual([0])
})

test('a sleep that ended in the tick in which another took its place does not ring for that one', async () => {
  const clock = manualClock()
  let rings = 0
  const alarm = createAlarm(clock, () => (rings += 1))
  alarm.set(START + 10)
  const [first] = clock.sleeps
  first?.end()
  alarm.set(START + 5)
  await microtasks()
  expect(rings).toBe(0)
  clock.sleeps[1]?.end()
  await microtasks()
  expect(rings).toBe(1)
})
