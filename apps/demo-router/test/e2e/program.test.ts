import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Starts the built program as `npm run demo` does, with an environment that holds nothing to lean on. */
const start = (...args: string[]) => {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, ...args], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text) => {
      texts[name] += text
    })
  }
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return { child, texts, closed }
}

const seen = (texts: { stdout: string }, text: string) =>
  vi.waitFor(() => expect(texts.stdout).toContain(text), { timeout: 60_000, interval: 20 })

describe('the built program', { timeout: 90_000 }, () => {
  it('ends by itself with --once --json: exit code 0, the result on the last line', async () => {
    const { texts, closed } = start('--once', '--json')
    expect(await closed).toEqual({ code: 0, signal: null })
    const result = JSON.parse(texts.stdout.trimEnd().split('\n').at(-1) ?? '')
    expect(result).toMatchObject({ received: 329, routed: 86, opened: 86, ignored: 243, plaintextWindowsAtBroker: 0 })
    expect(result.attacks).toHaveLength(6)
    for (const attack of result.attacks)
      expect(attack).toMatchObject({ refused: true, reason: expect.stringMatching(/^qr\./) })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('serves its page until %s, then ends with exit code 0', async (signal) => {
    const { child, texts, closed } = start()
    await seen(texts, 'Ctrl-C ends')
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(texts.stdout)?.[0] ?? ''
    const page = await fetch(url)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const state = (await (await fetch(`${url}state.json`)).json()) as { phase: string; messages: unknown[] }
    expect(state).toMatchObject({ phase: 'done', failures: [] })
    expect(state.messages.length).toBeGreaterThan(0)
    child.kill(signal)
    // A runner passes the signal of the terminal on: it comes twice.
    child.kill(signal)
    expect(await closed).toEqual({ code: 0, signal: null })
    expect(texts.stderr).toBe('')
  })

  it('ends soon when it is stopped in the middle', async () => {
    const { child, texts, closed } = start('--json')
    await vi.waitFor(() => expect(texts.stderr).toContain('the page is at'), { timeout: 60_000 })
    child.kill('SIGINT')
    expect(await closed).toEqual({ code: 130, signal: null })
    expect(texts.stdout).toBe('')
  })

  it('prints no key, no secret and no body', async () => {
    const { texts, closed } = start('--once', '--json')
    await closed
    const output = texts.stdout + texts.stderr
    expect(output).not.toMatch(/Codertocat|Hello-World/i)
    // Keys and the secret are 32 random bytes each.
    expect(output).not.toMatch(/[0-9a-f]{64}|[A-Za-z0-9+/_-]{43}/)
  })

  it('refuses an unknown option with one sentence', async () => {
    const { texts, closed } = start('--fast')
    expect(await closed).toEqual({ code: 2, signal: null })
    expect(texts).toEqual({ stdout: '', stderr: 'Unknown option --fast; see --help.\n' })
  })
})
