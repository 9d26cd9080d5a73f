import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const plugin = fileURLToPath(new URL('../src/plugin.ts', import.meta.url))

/** A library that shows what it is given, in every way that ours shows something. */
const SOURCE = `
export class QueueError extends Error {
  constructor(text, facts) {
    super(text)
    this.facts = facts
  }
}
export const logs = (logger, value) => logger.info({ queue: 'orders', value }, 'Key loaded')
export const logsAt = (logger, level, value) => logger[level]({ value }, 'Key loaded')
export const warns = (value) => console.warn('Key loaded', { value })
export const refuses = (text, facts) => new QueueError(text, facts)
export const rewrites = (error, text) => { error.stack = text }
export const prints = (stream, value) => stream.write(value)
export const counts = (meter, value) => meter.createCounter('keys', {}).add(1, { key: value })
export const measures = (meter, value) => meter.createHistogram('keys').record(1, { key: value })
export const traces = (tracer, value) => tracer.startSpan('send', { attributes: { key: value } }).end()
export const marks = (tracer, value) => tracer.startSpan('send').addEvent('keyed', { key: value })
`

const HEAD = `
import { createSecretKey, randomBytes } from 'node:crypto'
import { format, formatWithOptions, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as library from '../src/index.ts'

const silent = () => {}
const logger = { info: silent, error: silent }
const instrument = { add: silent, record: silent, addEvent: silent, end: silent }
const meter = { createCounter: () => instrument, createHistogram: () => instrument }
const tracer = { startSpan: () => instrument }
/** The bytes of a key that was made a moment ago, as the library takes them: the source is overwritten. */
const made = () => {
  const source = randomBytes(32)
  const copy = Buffer.from(source)
  createSecretKey(source)
  source.fill(0)
  return copy
}
`

/** Tests of that library that pass, though a key gets out in each. */
const LEAKING: readonly (readonly [name: string, body: string])[] = [
  ['a line of a log, raw', `library.logs(logger, made().toString('latin1'))`],
  ['a line of a log, hex', `library.logs(logger, made().toString('hex'))`],
  ['a line of a log, upper-case hex', `library.logs(logger, made().toString('hex').toUpperCase())`],
  ['a line of a log, base64', `library.logs(logger, made().toString('base64'))`],
  ['a line of a log, base64url', `library.logs(logger, made().toString('base64url'))`],
  ['a line of a log, half of it', `library.logs(logger, made().subarray(16).toString('hex'))`],
  ['a line of a log, bytes', 'library.logs(logger, made())'],
  ['a line of a log, a list', 'library.logs(logger, [...made()])'],
  ['a line of a log at any level', `library.logsAt(logger, 'error', made().toString('hex'))`],
  [
    'a line of a log before the key is made',
    `
    const bytes = randomBytes(32)
    library.logs(logger, bytes.toString('base64'))
    createSecretKey(bytes)`,
  ],
  ['the text of an error', 'library.refuses(made().toString("hex"))'],
  ['the facts of an error', 'library.refuses("No.", { key: made() })'],
  ['the stack of an error', 'library.rewrites(new Error("No."), "Error: " + made().toString("hex"))'],
  ['a label of a counter', 'library.counts(meter, made().toString("base64url"))'],
  ['a label of a histogram', 'library.measures(meter, made().toString("hex"))'],
  ['an attribute of a span', 'library.traces(tracer, made().toString("hex"))'],
  ['an event of a span', 'library.marks(tracer, made().toString("base64"))'],
  ['the console', 'console.log("key", { key: made() })'],
  [
    'the console of the library, which a test keeps silent',
    `
    const spy = vi.spyOn(console, 'warn').mockImplementation(silent)
    library.warns(made().toString('hex'))
    expect(spy).toHaveBeenCalledOnce()
    spy.mockRestore()`,
  ],
  ['the output of the process', `process.stdout.write(made().toString('hex') + '\\n')`],
  ['the errors of the process', `process.stderr.write(Buffer.from(made().toString('base64')))`],
  ['a stream of the test', 'library.prints({ write: silent }, made().toString("hex"))'],
  ['inspect', 'inspect({ key: made() })'],
  ['inspect of a list', 'inspect([...made()])'],
  ['format', 'format("%s", made().toString("hex"))'],
  ['format with options', 'formatWithOptions({ colors: false }, "%s", made().toString("hex"))'],
  ['JSON', 'JSON.stringify({ key: made().toString("base64") })'],
  ['JSON of bytes', 'JSON.stringify({ key: new Uint8Array(made()) })'],
  ['a structured clone', 'structuredClone({ key: new Uint8Array(made()) })'],
  ['a copy for another process', 'serialize({ key: made() })'],
  [
    'inspect, after mocks were restored',
    `
    vi.spyOn(JSON, 'stringify')
    vi.restoreAllMocks()
    vi.resetAllMocks()
    vi.unstubAllGlobals()
    JSON.stringify({ key: made().toString('hex') })`,
  ],
]

const SOUND = `
test('shows no key', async () => {
  const key = made()
  const other = randomBytes(32)
  library.logs(logger, { keyId: 'orders-1', other, otherText: other.toString('hex') })
  library.warns('the id of a key')
  library.counts(meter, 'orders-1')
  library.traces(tracer, 'orders-1')
  const error = library.refuses('There is no key orders-1.', { keyId: 'orders-1' })
  expect([error.message, error.facts]).toEqual(['There is no key orders-1.', { keyId: 'orders-1' }])
  expect(inspect.custom).toBe(Symbol.for('nodejs.util.inspect.custom'))
  expect(JSON.parse(JSON.stringify({ other: other.toString('hex') }))).toEqual({ other: other.toString('hex') })
  expect(structuredClone([other.length])).toEqual([32])
  expect(inspect(other)).toContain('<Buffer ')
  console.log('the end of a sound test')
  key.fill(0)
})`

/** Leaks that the test in which they happen cannot tell, so that the file has to. */
const OUTSIDE: readonly (readonly [name: string, body: string])[] = [
  ['in a test that is meant to fail', `test('a', { fails: true }, () => { inspect(made()); throw new Error('No.') })`],
  [
    'in a test that is tried again',
    `let times = 0\ntest('a', { retry: 1 }, () => { times += 1; if (times === 1) inspect(made()) })`,
  ],
  ['after the last test', `import { afterAll } from 'vitest'\ntest('a', silent)\nafterAll(() => void inspect(made()))`],
]

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly title: string
      readonly status: string
      readonly failureMessages: string[]
    }[]
  }[]
}

let folder: string
let files: Map<string, Report['testResults'][number]>

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'leaks-'))
  symlinkSync(modules, join(folder, 'node_modules'))
  write(
    'vitest.config.ts',
    `import { leakWatch } from ${JSON.stringify(plugin)}\nexport default { plugins: [leakWatch()] }\n`,
  )
  write('packages/library/src/index.ts', SOURCE)
  const tests = LEAKING.map(([name, body]) => `test(${JSON.stringify(name)}, async () => { ${body} })`)
  write('packages/library/test/leaking.test.ts', [HEAD, ...tests].join('\n'))
  write('packages/library/test/sound.test.ts', HEAD + SOUND)
  for (const [index, [, body]] of OUTSIDE.entries())
    write(`packages/library/test/outside-${index}.test.ts`, HEAD + body)
  const report = join(folder, 'report.json')
  const args = [
    join(modules, 'vitest/vitest.mjs'),
    'run',
    `--root=${folder}`,
    '--reporter=json',
    `--outputFile=${report}`,
  ]
  spawnSync(process.execPath, args, { stdio: 'ignore' })
  const { testResults }: Report = JSON.parse(readFileSync(report, 'utf8'))
  files = new Map(testResults.map((file) => [file.name.slice(file.name.lastIndexOf('/') + 1), file]))
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a test fails in which a key is shown by (X20, SC3)', () => {
  test.each(LEAKING.map(([name]) => name))('%s', (name) => {
    const result = files.get('leaking.test.ts')?.assertionResults.find(({ title }) => title === name)
    expect(result).toMatchObject({ status: 'failed', failureMessages: [expect.stringContaining('A key was shown')] })
  })
})

describe('a file fails in which a key is shown', () => {
  test.each(OUTSIDE.map(([name], index) => [name, index] as const))('%s', (_, index) => {
    const file = files.get(`outside-${index}.test.ts`)
    expect(file).toMatchObject({ status: 'failed', message: expect.stringContaining('A key was shown') })
  })
})

test('a sound test passes, and sees what it always saw', () => {
  expect(files.get('sound.test.ts')).toMatchObject({ status: 'passed', assertionResults: [{ status: 'passed' }] })
})
