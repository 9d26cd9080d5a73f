import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compilers, typeErrors } from './compilers.ts'
import { type Consumer, install, output } from './consumer.ts'
import { nodes } from './nodes.ts'
import { readmeExample } from './readme.ts'
import { type Registry, startRegistry } from './registry.ts'
import { packInstalled, packOurs, root, type Tarball } from './tarball.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'packed-'))
const ours = packOurs(folder)
const used = ['@queue-runtime/core', '@queue-runtime/crypto', '@queue-runtime/provider-memory']
const telemetry = '@opentelemetry/api'

let registry: Registry
let consumer: Consumer
beforeAll(async () => {
  registry = await startRegistry([...ours, packInstalled(join(root, 'tooling/packed/node_modules', telemetry), folder)])
  consumer = await install(folder, registry.url, used)
})
afterAll(async () => {
  await registry.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.each(ours.map((tarball) => [tarball.manifest.name, tarball] as const))('%s, packed', (_name, tarball) => {
  test('holds its build, its sources, a README and the licence, and nothing else', () => {
    const expected = /^(package\.json|README\.md|LICENSE|dist\/[^.].*\.(js|d\.ts)(\.map)?|src\/.*\.ts)$/
    expect(tarball.files.filter((file) => !expected.test(file))).toEqual([])
    expect(tarball.files).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']),
    )
  })

  test('asks for published versions, not for those of the workspace', () => {
    expect(JSON.stringify(tarball.manifest)).not.toMatch(/workspace:|catalog:/)
  })

  test('pleases publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: tarball.folder, pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that resolve, for ES modules', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball.path)))
    const problems = result.types === false ? ['no types'] : result.problems
    const forOthers = ['node10', 'node16-cjs']
    const concerns = (problem: object): boolean =>
      !('resolutionKind' in problem && forOthers.includes(String(problem.resolutionKind)))
    expect(problems.filter((problem) => typeof problem === 'string' || concerns(problem))).toEqual([])
  })
})

describe('npm install', () => {
  test('of core brings the telemetry API and nothing else', async () => {
    const { installed } = await install(folder, registry.url, ['@queue-runtime/core'])
    expect(installed).toEqual([telemetry, '@queue-runtime/core'])
  })

  test('of core, crypto and the memory provider brings no SDK of a cloud', () => {
    expect(consumer.installed).toEqual([telemetry, ...used])
  })
})

describe.each(nodes)('on plain $name', ({ name, path }) => {
  const missing = `npm has no ${name} for ${process.platform}-${process.arch}`

  test('the program of the README prints what the README says', async ({ skip }) => {
    if (path === undefined) return skip(missing)
    const { program, prints } = readmeExample()
    writeFileSync(join(consumer.folder, 'example.mjs'), program)
    expect(await output(path, ['example.mjs'], consumer.folder)).toBe(`${prints}\n`)
  })

  test('a CommonJS host can require every door of every package', async ({ skip }) => {
    if (path === undefined) return skip(missing)
    const doors = ours.filter(({ manifest }) => used.includes(manifest.name)).flatMap(doorsOf)
    const required = doors.map((door) => `console.log('${door}', Object.keys(require('${door}')).length > 0)`)
    writeFileSync(join(consumer.folder, 'host.cjs'), required.join('\n'))
    expect(await output(path, ['host.cjs'], consumer.folder)).toBe(doors.map((door) => `${door} true\n`).join(''))
  })
})

describe.each(compilers)('a strict program of a user type-checks under $name', ({ path }) => {
  test.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('with $moduleResolution resolution', async (options) => {
    expect(await typeErrors(path, consumer.folder, options)).toBe('')
  })
})

function doorsOf({ manifest }: Tarball): string[] {
  return Object.keys(manifest.exports).map((door) => manifest.name + door.slice(1))
}
