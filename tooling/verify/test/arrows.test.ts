import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lint, root } from './support.ts'

/** Who may import which of our packages from its sources; `cli` and the apps stand outside of the two hubs and wire things together. */
const arrows: readonly (readonly [packages: RegExp, to: readonly string[]])[] = [
  [/^core$/, []],
  [/^(crypto|provider-.+)$/, ['core']],
  [/^(keys|nonce-store)-.+$/, ['crypto']],
]
const scope = '@queue-runtime/'

function allowedFor(name: string): readonly string[] {
  const row = arrows.find(([packages]) => packages.test(name))
  if (row === undefined) throw new Error(`packages/${name} has no row in the table of arrows.`)
  return row[1].map((to) => scope + to)
}

describe('the import arrows', () => {
  const importers = ['core', 'crypto', 'provider-memory', 'provider-sqs', 'keys-aws', 'nonce-store-redis']
  const imported = [
    'core',
    'core/provider',
    'core/testing',
    'crypto',
    'crypto/deep',
    'provider-sqs',
    'keys-aws',
    'conformance',
  ]
  const planted = importers.flatMap((from) =>
    imported.map((to) => ({
      file: `packages/${from}/src/deep/${to.replace('/', '-')}.ts`,
      text: `import { x } from '${scope}${to}'\nexport const y: number = x\n`,
      allowed: allowedFor(from).some((name) => `${scope}${to}/`.startsWith(`${name}/`)),
    })),
  )
  const refused = lint(planted).filter(({ rule }) => rule === 'lint/style/noRestrictedImports')

  test.each(planted)('$file: allowed $allowed', ({ file, allowed }) => {
    expect(refused.some((finding) => finding.file === file)).toBe(!allowed)
  })

  test('hold for exports and for imports at run time too', () => {
    const file = 'packages/core/src/deep/other.ts'
    const text = `export * from '${scope}crypto'\nexport const y: unknown = await import('${scope}crypto')\n`
    expect(lint([{ file, text }]).map(({ rule }) => rule)).toEqual(Array(2).fill('lint/style/noRestrictedImports'))
  })

  test('leave tests alone, which may use what their package.json lists', () => {
    expect(lint([{ file: 'packages/core/test/any.ts', text: `import '${scope}crypto'\n` }])).toEqual([])
  })
})

describe('the packages list of ours', () => {
  const names = readdirSync(join(root, 'packages'))

  test.each(names)('%s: only what it may import, and as a peer', (name) => {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
    const ours = (group: string): string[] =>
      Object.keys(manifest[group] ?? {}).filter((name) => name.startsWith(scope))
    expect(manifest.name).toBe(scope + name)
    expect(allowedFor(name)).toEqual(expect.arrayContaining(ours('peerDependencies')))
    expect([...ours('dependencies'), ...ours('optionalDependencies')]).toEqual([])
  })
})

describe('a promise that nobody waits for', () => {
  const later = 'const later = async (): Promise<number> => 1\n'

  test('is refused', () => {
    const file = 'packages/core/src/floating.ts'
    const found = lint([{ file, text: `${later}export const start = (): void => {\n  later()\n}\n` }])
    expect(found).toEqual([{ file, rule: 'lint/nursery/noFloatingPromises' }])
  })

  test('is allowed where the code says so', () => {
    const file = 'packages/core/src/floating.ts'
    expect(lint([{ file, text: `${later}export const start = (): void => {\n  void later()\n}\n` }])).toEqual([])
  })
})
