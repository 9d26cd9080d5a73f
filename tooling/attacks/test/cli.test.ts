import { describe, expect, it } from 'vitest'
import type { Row } from '../src/attack.ts'
import { runCli } from '../src/cli.ts'

const described = { number: 1, name: 'reads', by: 'queue reader', expected: 'nothing' } as const
const good: Row = { ...described, catches: [], run: async () => ({ outcome: 'nothing', facts: { tried: 7 } }) }
const bad: Row = { ...described, number: 2, catches: ['seals nothing'], run: async () => ({ outcome: 'everything' }) }
const thrown: Row = { ...described, number: 3, catches: [], run: () => Promise.reject(new Error('no broker')) }
const skipped: Row = { ...described, number: 4, skipped: 'no Redis here' }

const run = async (rows: readonly Row[], ...args: string[]) => {
  const stdout: string[] = []
  const stderr: string[] = []
  const streams = {
    stdout: { write: (text: string) => stdout.push(text) },
    stderr: { write: (text: string) => stderr.push(text) },
  }
  const exitCode = await runCli(args, streams, rows)
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') }
}

describe('pnpm attacks', () => {
  it('prints a row per attack and the counts, and ends with 0 where nothing failed', async () => {
    const { exitCode, stdout, stderr } = await run([good, skipped])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/1 │ reads +│ queue reader │ nothing \[tried 7\] +│ +│ passed/)
    expect(stdout).toMatch(/4 │ reads +│ queue reader │ not run: no Redis here +│ +│ skipped/)
    expect(stdout.endsWith('\n1 passed, 0 failed, 1 skipped\n')).toBe(true)
  })

  it.each([
    ['another outcome', bad, /everything[\s\S]*expected: nothing/],
    ['an attack that breaks off', thrown, /the attack broke off: Error: no broker/],
  ])('ends with 1 at %s, and tells it', async (_, row, text) => {
    const { exitCode, stdout } = await run([good, row])
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(text)
    expect(stdout.endsWith('\n1 passed, 1 failed, 0 skipped\n')).toBe(true)
  })

  it('prints one line of JSON for machines', async () => {
    const { exitCode, stdout } = await run([good, bad, skipped], '--json')
    expect([exitCode, stdout.indexOf('\n')]).toEqual([1, stdout.length - 1])
    expect(JSON.parse(stdout)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
      attacks: [
        { ...described, status: 'passed', outcome: 'nothing', facts: { tried: 7 }, catches: [] },
        { ...described, number: 2, status: 'failed', outcome: 'everything', facts: {}, catches: ['seals nothing'] },
        { ...described, number: 4, status: 'skipped', outcome: 'no Redis here', facts: {}, catches: [] },
      ],
    })
  })

  it('prints its help', async () => {
    const { exitCode, stdout } = await run([bad], '--help')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('--json')
  })

  it.each([
    [['18'], 'Unexpected argument 18; see --help.'],
    [['--', 'x'], 'Unexpected argument x; see --help.'],
    [['--redis'], 'Unknown option --redis; see --help.'],
    [['-j'], 'Unknown option -j; see --help.'],
    [['--toString'], 'Unknown option --toString; see --help.'],
    [['--json=yes'], '--json takes no value.'],
  ])('refuses %j in one sentence, exit code 2', async (args, error) => {
    expect(await run([bad], ...args)).toEqual({ exitCode: 2, stdout: '', stderr: `${error}\n` })
  })
})
