import { describe, expect, it } from 'vitest'
import { parseCli } from '../src/cli-options.ts'
import { runWith } from './run-with.ts'

describe('the command line', () => {
  it('reads a benchmark and its options', () => {
    expect(parseCli(['crypto', '--rounds', '9', '--seed=7', '--sizes', '0,8192', '--json'])).toEqual({
      name: 'crypto',
      rounds: 9,
      seed: 7,
      sizes: [0, 8192],
      json: true,
      help: false,
    })
  })

  it('lists the benchmarks when none is named', async () => {
    const { exitCode, stdout } = await runWith()
    expect(exitCode).toBe(0)
    expect(stdout).toContain('  crypto       seal and open')
    expect(stdout).toContain('  redis        claims of the nonce store')
  })

  it('prints its help', async () => {
    const { exitCode, stdout } = await runWith('crypto', '--help')
    expect(exitCode).toBe(0)
    for (const option of ['--rounds', '--seed', '--sizes', '--json', '--help']) expect(stdout).toContain(option)
  })

  it.each([
    [['crypt'], 'Unknown benchmark crypt; there is crypto, redis, service-bus.'],
    [['toString'], 'Unknown benchmark toString; there is crypto, redis, service-bus.'],
    [['crypto', 'redis'], 'Unexpected argument redis; see --help.'],
    [['crypto', '--', 'redis'], 'Unexpected argument redis; see --help.'],
    [['redis', '--sizes', '8'], 'redis has no bodies: leave --sizes out.'],
    [['crypto', '--fast'], 'Unknown option --fast; see --help.'],
    [['crypto', '-r'], 'Unknown option -r; see --help.'],
    [['crypto', '--json=yes'], '--json takes no value.'],
    [['crypto', '--rounds'], '--rounds takes a number from 1 to 1000000.'],
    [['crypto', '--rounds', '0'], '--rounds takes a number from 1 to 1000000.'],
    [['crypto', '--rounds', '1e3'], '--rounds takes a number from 1 to 1000000.'],
    [['crypto', '--seed', '4294967296'], '--seed takes a number from 0 to 4294967295.'],
    [['crypto', '--seed=-1'], '--seed takes a number from 0 to 4294967295.'],
    [['crypto', '--sizes', '8,'], '--sizes takes numbers, separated by commas, from 0 to 67108864.'],
  ])('refuses %j in one sentence, exit code 2', async (args, error) => {
    expect(await runWith(...args)).toEqual({ exitCode: 2, stdout: '', stderr: `${error}\n` })
  })
})
