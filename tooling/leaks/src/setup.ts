import { afterAll, afterEach } from 'vitest'
import { inexcusable } from './excused.ts'
import { listener } from './listener.ts'
import type { Leak } from './watch.ts'

const { watch } = listener()

const failOn = (leaks: readonly Leak[]): void => {
  if (leaks.length > 0) throw new Error(`A key was shown:\n${leaks.map(({ text }) => text).join('\n')}`)
}

/** Leaks of tests that may fail and are passed nevertheless. */
const untold: Leak[] = []

afterEach(({ task }) => {
  const leaks = inexcusable({ file: task.file.name, name: task.fullTestName }, watch.take())
  if (task.fails || task.retry) untold.push(...leaks)
  else failOn(leaks)
})

afterAll(() => failOn([...untold, ...watch.take()]))
