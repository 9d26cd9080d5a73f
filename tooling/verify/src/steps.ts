import { fileURLToPath } from 'node:url'
import type { Step } from './step.ts'

const reporter = fileURLToPath(new URL('count-reporter.ts', import.meta.url))

/** Everything a change must keep, cheap things first; the tests come last because some of them need what was built. */
export const steps = (countsFile: string, { colors }: { colors: boolean }): readonly Step[] => [
  { title: 'Build', command: ['turbo', 'run', 'build', '--output-logs=errors-only'] },
  { title: 'Types of sources and tests', command: ['turbo', 'run', 'check:types', '--output-logs=errors-only'] },
  {
    title: 'Lint, format and import arrows',
    command: ['biome', 'ci', '--error-on-warnings', `--colors=${colors ? 'force' : 'off'}`, '.'],
  },
  {
    title: 'Unused code and unlisted dependencies',
    command: ['knip', '--no-progress', '--treat-config-hints-as-errors'],
  },
  { title: 'Programs that tests start', command: ['node', 'tooling/system-tools/src/main.ts'] },
  {
    title: 'Tests',
    command: ['vitest', 'run', '--allowOnly=false', '--reporter=default', `--reporter=${reporter}`],
    countsFile,
  },
]
