import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, test } from 'vitest'
import { nodes } from './nodes.ts'
import { asOnPage, importsOf, type Program, pages, programsOf } from './programs.ts'
import { root } from './tarball.ts'

const packages = join(root, 'tooling/packed/node_modules')
/** Beside the packages that the programs import. */
const folder = mkdtempSync(join(packages, '.docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Programs that other tests run, since they need more than the packages. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/custom-provider.md 2': 'tooling/conformance/test/custom-provider.test.ts',
}

const programs = pages.flatMap(programsOf)
const here = programs.filter(({ name }) => ELSEWHERE[name] === undefined)
const workers = here.filter(({ code }) => code.includes('SIGTERM'))
const others = here.filter((program) => !workers.includes(program))

const start = (node: string, { name, code }: Program): ChildProcess => {
  const file = join(folder, `${name.replaceAll(/[/ ]/g, '-')}.mjs`)
  writeFileSync(file, code)
  const env = { PATH: process.env.PATH, NO_COLOR: '1', ORDERS_KEY: randomBytes(32).toString('base64') }
  return spawn(node, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

interface Ended {
  readonly code: number | null
  readonly printed: readonly string[]
}

/** Waits for a program; `onLine` is told of each line that it prints. */
async function ended(child: ChildProcess, onLine: (line: string) => void = () => {}): Promise<Ended> {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error('The program has no output.')
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      onLine(line)
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, printed: lines }
}

test('the packages are built', () => {
  expect(existsSync(join(packages, '@queue-runtime/core/dist/index.js')), 'run `pnpm build` first').toBe(true)
})

test('every program on a page is run, here or by the test that is named', () => {
  const installed = ['@queue-runtime/core', '@queue-runtime/crypto', '@queue-runtime/provider-memory']
  const isHere = (from: string): boolean =>
    from.startsWith('node:') || installed.some((name) => `${from}/`.startsWith(`${name}/`))
  expect(here.length).toBeGreaterThan(5)
  expect(here.filter((program) => !importsOf(program).every(isHere)).map(({ name }) => name)).toEqual([])
  expect(Object.keys(ELSEWHERE).filter((name) => !programs.some((program) => program.name === name))).toEqual([])
  expect(Object.values(ELSEWHERE).filter((path) => !existsSync(join(root, path)))).toEqual([])
})

describe.each(nodes)('on $name', ({ name, path }) => {
  const missing = `npm has no ${name} for ${process.platform}-${process.arch}`

  test.concurrent.for(others)('$name ends well and prints what the page says', async (program, { expect, skip }) => {
    if (path === undefined) return skip(missing)
    const { code, printed } = await ended(start(path, program))
    const { prints = printed } = program
    expect({ code, printed: asOnPage(printed, prints) }).toEqual({ code: 0, printed: prints })
  })

  test.for(workers)('$name, told to stop while it works, finishes and ends with 0', async (program, { skip }) => {
    if (path === undefined) return skip(missing)
    const child = start(path, program)
    let isTold = false
    const { code, printed } = await ended(child, () => {
      if (!isTold) child.kill('SIGTERM')
      isTold = true
    })
    expect({ code, printed }).toEqual({ code: 0, printed: program.prints ?? printed })
  })
})

describe('the worker of docs/consuming.md', () => {
  const worker = workers.find(({ name }) => name.startsWith('docs/consuming.md'))

  test('told to stop while it waits, ends at once, with nothing left', async () => {
    if (worker === undefined) throw new Error('docs/consuming.md has no worker.')
    const child = start(process.execPath, worker)
    const { code, printed } = await ended(child, (line) => {
      if (line === 'done: order 2') child.kill('SIGTERM')
    })
    expect(code).toBe(0)
    expect(printed.at(-1)).toBe('left: nothing')
  })

  test('told again, ends at once', async () => {
    if (worker === undefined) throw new Error('docs/consuming.md has no worker.')
    const child = start(process.execPath, worker)
    const told: ReturnType<typeof setInterval>[] = []
    // Two signals that a busy machine hands over together count as one.
    const tell = (): void => void told.push(setInterval(() => child.kill('SIGTERM'), 100))
    const { code, printed } = await ended(child, tell)
    told.forEach(clearInterval)
    expect([code, printed]).toEqual([null, ['begun: order 1']])
  })
})

describe.each([...pages, 'README.md', 'SECURITY.md', 'CONTRIBUTING.md'])('the links of %s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/gs)].flatMap(([, to]) => to ?? [])

  test('lead somewhere', () => {
    const broken = links.filter((to) => !/^https?:/.test(to) && !existsSync(join(root, dirname(page), to)))
    expect(broken).toEqual([])
  })
})
