import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Step } from '../src/step.ts'
import { verify } from '../src/verify.ts'

vi.setConfig({ testTimeout: 30_000 })
const patience = { timeout: 10_000 }

let folder: string
let countsFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verify-test-'))
  countsFile = join(folder, 'counts.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A step whose command is a line of JavaScript. */
const check = (script: string): Step => ({ title: 'Check', command: [process.execPath, '-e', script] })
const tests = (script: string): Step => ({ ...check(script), title: 'Tests', countsFile })
const leaves = (counts: object): string =>
  `fs.writeFileSync(${JSON.stringify(countsFile)}, ${JSON.stringify(JSON.stringify(counts))})`

async function run(steps: readonly Step[], stop: AbortSignal = new AbortController().signal) {
  let text = ''
  const ok = await verify(steps, { cwd: folder, env: process.env, stop, write: (part) => (text += part) })
  return { ok, text, lastLine: text.trimEnd().split('\n').at(-1) }
}

describe('a run of the steps', () => {
  test('counts each check as one and ends with the summary alone on the last line', async () => {
    const { ok, text } = await run([check(''), check('')])
    expect(ok).toBe(true)
    expect(text).toMatch(/\n2 passed, 0 failed\n$/)
  })

  test('gives every step a heading and its duration', async () => {
    const { text } = await run([check('')])
    expect(text).toMatch(/── Check: .+ -e/)
    expect(text).toMatch(/── Check: 1 passed, 0 failed, in \d+\.\d s/)
  })

  test('goes on after a step that failed', async () => {
    const { ok, lastLine } = await run([check('process.exit(3)'), check('')])
    expect(ok).toBe(false)
    expect(lastLine).toBe('1 passed, 1 failed')
  })

  test('counts a step that was killed as failed', async () => {
    const { lastLine } = await run([check('process.kill(process.pid, "SIGKILL")'), check('')])
    expect(lastLine).toBe('1 passed, 1 failed')
  })

  test('counts a step whose command does not exist as failed', async () => {
    const { lastLine, text } = await run([{ title: 'Check', command: ['no-such-command'] }, check('')])
    expect(lastLine).toBe('1 passed, 1 failed')
    expect(text).toContain('no-such-command ENOENT')
  })

  test('counts a step that cannot be started as failed', async () => {
    const { lastLine } = await run([{ title: 'Check', command: [''] }, check('')])
    expect(lastLine).toBe('1 passed, 1 failed')
  })

  test('adds the counts that the tests left', async () => {
    const { ok, lastLine } = await run([check(''), tests(leaves({ passed: 40, failed: 0, skipped: 2 }))])
    expect(ok).toBe(true)
    expect(lastLine).toBe('41 passed, 0 failed, 2 skipped')
  })

  test.each([
    ['left no counts', ''],
    ['left half a file of counts', 'fs.writeFileSync(process.argv[1], "{")'],
    ['ran nothing', 'fs.writeFileSync(process.argv[1], JSON.stringify({ passed: 0, failed: 0, skipped: 9 }))'],
  ])('counts tests that %s as one failure', async (_what, script) => {
    const step = tests(script)
    const { ok, lastLine } = await run([{ ...step, command: [...step.command, countsFile] }])
    expect(ok).toBe(false)
    expect(lastLine).toBe('0 passed, 1 failed')
  })

  test('counts a test run that failed beside its tests as one more failure', async () => {
    const { lastLine } = await run([tests(`${leaves({ passed: 5, failed: 0, skipped: 0 })}; process.exit(1)`)])
    expect(lastLine).toBe('5 passed, 1 failed')
  })

  test('counts a failed test once, though its run failed too', async () => {
    const { lastLine } = await run([tests(`${leaves({ passed: 5, failed: 2, skipped: 0 })}; process.exit(1)`)])
    expect(lastLine).toBe('5 passed, 2 failed')
  })

  test('passes a signal on to all that the running step started and counts the rest as failed', async () => {
    const grandchild = `
      process.on('SIGINT', () => { fs.writeFileSync('signalled', ''); process.exit() })
      setInterval(() => {}, 1000)
      fs.writeFileSync('ready', '')`
    const child = `child_process.spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}]); setInterval(() => {}, 1000)`
    const stop = new AbortController()
    const running = run([check(child), check('')], stop.signal)
    await expect.poll(() => existsSync(join(folder, 'ready')), patience).toBe(true)
    stop.abort('SIGINT')
    const { ok, lastLine } = await running
    expect(ok).toBe(false)
    expect(lastLine).toBe('0 passed, 2 failed')
    await expect.poll(() => existsSync(join(folder, 'signalled')), patience).toBe(true)
  })

  test('kills a step that does not end on a signal', async () => {
    const stubborn = `process.on('SIGINT', () => {}); setInterval(() => {}, 1000); fs.writeFileSync('ready', '')`
    const stop = new AbortController()
    const running = run([check(stubborn)], stop.signal)
    await expect.poll(() => existsSync(join(folder, 'ready')), patience).toBe(true)
    stop.abort('SIGINT')
    expect((await running).lastLine).toBe('0 passed, 1 failed')
  })
})
