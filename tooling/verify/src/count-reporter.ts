import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import type { Counts } from './counts.ts'
import { skipLines } from './skips.ts'

/** Names the file that the counts are written to. */
export const countsFileVariable = 'VERIFY_COUNTS_FILE'

/** A vitest reporter that leaves the counts of a run in a file and says what was skipped and why; vitest loads it by path and calls it with `new`. */
export default function countReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const file = process.env[countsFileVariable]
      if (file === undefined) throw new Error(`${countsFileVariable} must name a file.`)
      writeFileSync(file, JSON.stringify(countsOf(modules, unhandledErrors.length)))
      const skips = skipLines(modules)
      if (skips.length > 0) process.stdout.write(`Skipped:\n${skips.map((line) => `  ${line}\n`).join('')}`)
    },
  }
}

/** A file or a group that broke outside of its tests (an import, a hook) failed once, whatever became of its tests. */
function countsOf(modules: readonly TestModule[], unhandledErrors: number): Counts {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const groups = modules.flatMap((module) => [module, ...module.children.allSuites()])
  const inState = (state: State): number => tests.filter((test) => test.result().state === state).length
  return {
    passed: inState('passed'),
    failed:
      inState('failed') +
      inState('pending') +
      groups.filter((group) => group.errors().length > 0).length +
      unhandledErrors,
    skipped: inState('skipped'),
  }
}

type State = ReturnType<TestCase['result']>['state']
