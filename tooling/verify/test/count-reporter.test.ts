import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { countsFileVariable } from '../src/count-reporter.ts'

// Each test starts processes, which takes longer on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const reporter = fileURLToPath(new URL('../src/count-reporter.ts', import.meta.url))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'count-reporter-'))
  symlinkSync(modules, join(folder, 'node_modules'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs vitest over planted test files, each given by its body, and returns what the reporter left and printed. */
function report(...bodies: string[]): { counts: unknown; printed: string } {
  for (const [index, body] of bodies.entries()) {
    writeFileSync(
      join(folder, `${index}.test.ts`),
      `import { beforeAll, describe, expect, test, vi } from 'vitest'\n${body}\n`,
    )
  }
  const countsFile = join(folder, 'counts.json')
  const args = [
    join(modules, 'vitest/vitest.mjs'),
    'run',
    `--root=${folder}`,
    '--allowOnly=false',
    `--reporter=${reporter}`,
  ]
  const env = { ...process.env, [countsFileVariable]: countsFile }
  const { stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return { counts: JSON.parse(readFileSync(countsFile, 'utf8')), printed: stdout }
}

const countsOf = (...bodies: string[]): unknown => report(...bodies).counts

describe('the reporter prints', () => {
  test('what was skipped and why, once for those of one group that have the same reason', () => {
    const { printed } = report(`
      describe('a group', () => {
        for (const name of ['one', 'two']) test(name, ({ skip }) => skip('there is no broker'))
        test('three', ({ skip }) => skip('there is no store'))
        test.skip('four, which waits for a store', () => {})
        test('five', () => {})
      })
      test('six', ({ skip }) => skip('it is too early'))`)
    expect(printed).toBe(`Skipped:
  a group, 2 tests: there is no broker
  a group > three: there is no store
  a group > four, which waits for a store
  0.test.ts > six: it is too early
`)
  })

  test('nothing where nothing was skipped', () => {
    expect(report(`test('passes', () => {})`).printed).toBe('')
  })
})

describe('the reporter counts', () => {
  test('passed, failed and skipped tests over all files', () => {
    const mixed = `
      test('passes', () => {})
      test('passes by failing', { fails: true }, () => expect(1).toBe(2))
      test('fails', () => expect(1).toBe(2))
      test.skip('is skipped', () => {})
      test.todo('is to be written')`
    expect(countsOf(mixed, `test('passes', () => {})`)).toEqual({ passed: 3, failed: 1, skipped: 2 })
  })

  test('a file that does not load as one failure', () => {
    expect(countsOf(`throw new Error('broken')`, `test('passes', () => {})`)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    })
  })

  test('a file that holds no test as one failure', () => {
    expect(countsOf('', `test('passes', () => {})`)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  test('a group whose hook broke as one failure, its tests as skipped', () => {
    const broken = `
      describe('a group', () => {
        beforeAll(() => { throw new Error('broken') })
        test('never runs', () => {})
      })`
    expect(countsOf(broken)).toEqual({ passed: 0, failed: 1, skipped: 1 })
  })

  test('an error that no test caught as one failure', () => {
    const late = `
      test('passes', async () => {
        setTimeout(() => { throw new Error('late') }, 0)
        await new Promise((resolve) => setTimeout(resolve, 50))
      })`
    expect(countsOf(late)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  test('a file with a focused test as one failure, since the others would not run', () => {
    expect(countsOf(`test.only('passes', () => {})\ntest('never runs', () => {})`)).toMatchObject({ failed: 1 })
  })

  test('nothing where no file was found', () => {
    expect(countsOf()).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })
})
