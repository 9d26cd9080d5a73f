import { describe, expect, it, vi } from 'vitest'
import { runCli } from '../src/cli.ts'
import { skippingClock } from '../src/clock.ts'
import { type Demo, type DemoOptions, openDemo } from '../src/demo/demo.ts'
import { EMBEDDED } from '../src/demo/ground.ts'
import { startLocal } from '../src/local/start.ts'
import { recordingStream, runWith, start } from './demo-helpers.ts'

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
    const exitCode = await runCli(['--port', '80'], { stdout, stderr, openDemo, stopped: new Promise(() => {}) })
    expect([exitCode, stdout.text(), stderr.text()]).toEqual([1, '', sentence])
  })
})

describe('the demo that is told to stop', { timeout: 60_000 }, () => {
  const stoppedWhileOpening = async (end: (signal: AbortSignal | undefined) => Promise<Demo>) => {
    const [stdout, stderr] = [recordingStream(), recordingStream()]
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    const openDemo = async ({ signal }: DemoOptions): Promise<Demo> => {
      stop()
      await stopped
      return end(signal)
    }
    const exitCode = await runCli(['--nonces', 'redis'], { stdout, stderr, openDemo, stopped })
    return [exitCode, stdout.text(), stderr.text()]
  }
  const said = 'Starting local servers: queues on memory, keys in local, nonces in redis …\nStopping …\n'

  it('ends its start, and says no more than that it stops', async () => {
    const untilAborted = (signal: AbortSignal | undefined) =>
      new Promise<never>((_, reject) => {
        const end = () => reject(signal?.reason)
        if (signal?.aborted) end()
        else signal?.addEventListener('abort', end)
      })
    expect(await stoppedWhileOpening(untilAborted)).toEqual([130, said, ''])
  })

  it('closes what came up all the same', async () => {
    let closed = 0
    const opened = async () => {
      const demo = await openDemo({ port: 0, warn: () => {} })
      const close = async () => {
        closed += 1
        await demo.close()
      }
      return { ...demo, close }
    }
    expect(await stoppedWhileOpening(opened)).toEqual([130, said, ''])
    expect(closed).toBe(1)
  })

  it('hears what came while Node had no moment to listen', async () => {
    const [stdout, stderr] = [recordingStream(), recordingStream()]
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    const demo = await openDemo({ port: 0, warn: () => {} })
    const opened = async () => {
      setImmediate(stop)
      return demo
    }
    expect(await runCli([], { stdout, stderr, openDemo: opened, stopped })).toBe(130)
    expect(stdout.text()).toBe('Stopping …\n')
  })

  it('does not tell of what fails because it stops', async () => {
    const [stdout, stderr] = [recordingStream(), recordingStream()]
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    const failing = async ({ warn, signal }: DemoOptions): Promise<Demo> => {
      warn('before')
      const demo = await openDemo({ port: 0, warn })
      signal?.addEventListener('abort', () => warn('after'))
      setImmediate(stop)
      return demo
    }
    await runCli([], { stdout, stderr, openDemo: failing, stopped })
    expect(stderr.text()).toBe('before\n')
  })

  it('starts no further server', async () => {
    const stop = AbortSignal.abort(new Error('Stop.'))
    const names = { ...EMBEDDED, keys: 'there is none' }
    await expect(startLocal(names, skippingClock(), stop)).rejects.toThrow('Stop.')
  })

  it('says at once that it stops when it is up', async () => {
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    const { stdout, exitCode } = start([], nothing, stopped)
    await vi.waitFor(() => expect(stdout.text()).toContain('(Ctrl-C ends)'), 30_000)
    stop()
    expect(await exitCode).toBe(0)
    expect(stdout.text()).toMatch(/\(Ctrl-C ends\)\nStopping …\n$/)
  })
})

describe('local servers', () => {
  it.each(['azure', 'aws'])('have their first keys of %s without a wait', async (keys) => {
    const naps: number[] = []
    const clock = { now: () => Date.now(), sleep: async (ms: number) => void naps.push(ms) }
    const local = await startLocal({ ...EMBEDDED, keys }, clock)
    await local.close()
    expect(naps).toEqual([])
  })
})
