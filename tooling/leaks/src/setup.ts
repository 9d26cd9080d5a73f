import { afterAll, afterEach, type RunnerTestCase } from 'vitest'
import { EXCUSES, type Excuse } from './excused.ts'
import { listener } from './listener.ts'
import type { Leak } from './watch.ts'

const { watch } = listener()

const excuseOf = ({ file, fullTestName }: RunnerTestCase): Excuse | undefined =>
  EXCUSES.find((excuse) => excuse.file === file.name && fullTestName.includes(excuse.test))

const failOn = (leaks: readonly Leak[]): void => {
  if (leaks.length > 0) throw new Error(`A key was shown:\n${leaks.map(({ text }) => text).join('\n')}`)
}

/** Leaks of tests that may fail and are passed nevertheless. */
const untold: Leak[] = []

afterEach(({ task }) => {
  const excuse = excuseOf(task)
  const leaks = watch.take()
  const inexcusable = leaks.filter(({ channel }) => !excuse?.channels.includes(channel))
  if (excuse !== undefined && leaks.length === 0) throw new Error('No key was shown: the test needs no excuse.')
  if (task.fails || task.retry) untold.push(...inexcusable)
  else failOn(inexcusable)
})

afterAll(() => failOn([...untold, ...watch.take()]))
