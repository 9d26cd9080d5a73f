import { describe, expect, it } from 'vitest'
import { runCli } from '../src/cli.ts'
import { recordingStream, runWith } from './demo-helpers.ts'

const nothing = { deliveries: [], attacks: [] }

describe('the demo on other backends than its own', { timeout: 60_000 }, () => {
  it('says which servers it has started', async () => {
    const { exitCode, stdout } = await runWith(['--once', '--keys', 'aws'], nothing)
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Local servers stand in: queues on memory, keys in aws, nonces in memory.\n')
    expect((await runWith(['--once'], nothing)).stdout).not.toContain('Local servers')
  })

  it.each([
    [new Error('redis-server is not installed.'), 'The demo cannot start: redis-server is not installed.\n'],
    [
      Object.assign(new Error('no'), { code: 'EACCES' }),
      'The demo may not listen on port 80; choose another with --port.\n',
    ],
  ])('says in one sentence why it cannot start: %s', async (error, sentence) => {
    const [stdout, stderr] = [recordingStream(), recordingStream()]
    const openDemo = () => Promise.reject(error)
    const exitCode = await runCli(['--port', '80'], { stdout, stderr, openDemo, stopped: Promise.resolve() })
    expect([exitCode, stdout.text(), stderr.text()]).toEqual([1, '', sentence])
  })
})
