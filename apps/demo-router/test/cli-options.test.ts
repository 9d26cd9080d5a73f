import { describe, expect, it } from 'vitest'
import { parseCli } from '../src/cli-options.ts'
import { EMBEDDED } from '../src/demo/ground.ts'
import { runWith } from './demo-helpers.ts'

describe('the command line', () => {
  it.each([
    [[], { port: 0, backends: EMBEDDED, once: false, json: false, help: false }],
    [['--once', '--json'], { port: 0, backends: EMBEDDED, once: true, json: true, help: false }],
    [['--port', '8080'], { port: 8080, backends: EMBEDDED, once: false, json: false, help: false }],
    [['--port=65535', '--help'], { port: 65_535, backends: EMBEDDED, once: false, json: false, help: true }],
    [
      ['--provider', 'sqs', '--keys', 'aws', '--nonces=redis'],
      { port: 0, backends: { queue: 'sqs', keys: 'aws', nonces: 'redis' }, once: false, json: false, help: false },
    ],
  ])('understands %j', (args, options) => {
    expect(parseCli(args)).toEqual(options)
  })

  it.each([
    [['--fast'], 'Unknown option --fast; see --help.'],
    [['-x'], 'Unknown option -x; see --help.'],
    [['--__proto__'], 'Unknown option --__proto__; see --help.'],
    [['now'], 'Unexpected argument now; see --help.'],
    [['--', 'now'], 'Unexpected argument now; see --help.'],
    [['--once=true'], '--once takes no value.'],
    [['--port'], '--port takes a number from 0 to 65535.'],
    [['--port', '65536'], '--port takes a number from 0 to 65535.'],
    [['--port', '1e3'], '--port takes a number from 0 to 65535.'],
    [['--port=-1'], '--port takes a number from 0 to 65535.'],
    [['--provider', 'kafka'], '--provider takes one of memory, azure, sqs.'],
    [['--keys'], '--keys takes one of local, azure, aws.'],
    [['--nonces', '--once'], '--nonces takes one of memory, redis.'],
    [['--port', '--once'], '--port takes a number from 0 to 65535.'],
  ])('refuses %j in one sentence, exit code 2', async (args, error) => {
    expect(parseCli(args)).toEqual({ error })
    expect(await runWith(args)).toEqual({ exitCode: 2, stdout: '', stderr: `${error}\n` })
  })

  it('prints its help', async () => {
    const { exitCode, stdout } = await runWith(['--help'])
    expect(exitCode).toBe(0)
    for (const option of ['--once', '--json', '--port', '--help']) expect(stdout).toContain(option)
  })
})
