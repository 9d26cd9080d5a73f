import { readdirSync, readFileSync } from 'node:fs'
import { parseAst } from 'vite'
import { describe, expect, it } from 'vitest'

/** A node of the syntax tree (ESTree, and what TypeScript adds to it). */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

const childrenOf = (node: Node): Node[] => Object.values(node).flat().filter(isNode)

const allIn = (node: Node): Node[] => [node, ...childrenOf(node).flatMap(allIn)]

interface Source {
  readonly nodes: readonly Node[]
  textOf(node: unknown): string
}

const parse = (code: string): Source => {
  const textOf = (node: unknown): string => (isNode(node) ? code.slice(node.start, node.end).replace(/\s+/g, ' ') : '')
  return { nodes: allIn(parseAst(code, { lang: 'ts' }) as unknown as Node), textOf }
}

/** The name of a variable or of a property. */
const nameOf = (node: unknown): unknown => {
  if (!isNode(node)) return undefined
  return node.type === 'MemberExpression' ? nameOf(node.property) : node.name
}

const withoutType = (node: unknown): unknown =>
  isNode(node) && node.type === 'TSAsExpression' ? withoutType(node.expression) : node

const CIPHERS = ['createCipheriv', 'createDecipheriv']

const callsOf = ({ nodes }: Source, names: readonly string[]): Node[] =>
  nodes.filter(({ type, callee }) => type === 'CallExpression' && names.includes(String(nameOf(callee))))

/** Calls of a cipher whose fourth argument is not an object, or the name of one, that holds an `authTagLength`. */
const ciphersWithoutTagLength = (source: Source): string[] => {
  const objectOf = (node: unknown): unknown => {
    if (!isNode(node) || node.type !== 'Identifier') return withoutType(node)
    const isDeclared = ({ type, id }: Node): boolean => type === 'VariableDeclarator' && nameOf(id) === node.name
    return withoutType(source.nodes.find(isDeclared)?.init)
  }
  const hasTagLength = (node: unknown): boolean =>
    isNode(node) &&
    node.type === 'ObjectExpression' &&
    childrenOf(node).some((property) => property.type === 'Property' && nameOf(property.key) === 'authTagLength')
  return callsOf(source, CIPHERS)
    .filter((call) => !hasTagLength(objectOf((call.arguments as unknown[])[3])))
    .map(source.textOf)
}

/** Other names for the two would hide their calls. */
const renamedCiphers = ({ nodes, textOf }: Source): string[] =>
  nodes
    .filter(({ type }) => type === 'ImportSpecifier')
    .filter(({ imported, local }) => CIPHERS.includes(String(nameOf(imported))) && nameOf(local) !== nameOf(imported))
    .map(textOf)

const SECRET = /tag|key|digest|mac|hash|secret|signature|material|bytes?\b|token|nonce/i
const PUBLIC = /^(null|undefined|true|false|-?[\d_]+|'.*'|typeof .*|.*\.(length|byteLength|size|type|code))$/

/** Comparisons of what may be secret, and of buffers. What is compared with a constant, a type or a length gives nothing away. */
const comparisons = (source: Source): string[] => {
  const operators = source.nodes.filter(({ type, operator, left, right }) => {
    if (type !== 'BinaryExpression' || !/^[!=]==?$/.test(String(operator))) return false
    const sides = [source.textOf(left), source.textOf(right)]
    return sides.some((side) => SECRET.test(side)) && !sides.some((side) => PUBLIC.test(side))
  })
  return [...operators, ...callsOf(source, ['equals', 'compare', 'localeCompare', 'isDeepStrictEqual'])].map(
    source.textOf,
  )
}

/** Ids of keys are public: they stand in the clear in every envelope. */
const ID = 'ids are public'
const ALLOWED: readonly (readonly [file: string, comparison: string, reason: string])[] = [
  ['encryption-key.ts', 'byte === bytes[0]', 'within one key, when it is made: whether all of its bytes are the same'],
  ['cached-key-provider.ts', 'keyObjectOf(previous).equals(keyObjectOf(key))', 'KeyObject.equals takes constant time'],
  ['multi-key-provider.ts', 'keyObjectOf(known).equals(keyObjectOf(key))', 'KeyObject.equals takes constant time'],
  ['multi-key-provider.ts', 'key.id === id', ID],
  ['multi-key-provider.ts', 'keyId === current', ID],
  ['key-provider.ts', 'key.id !== keyId', ID],
  ['key-rotation.ts', '(await layout.currentKeyId(signal)) === id', ID],
  ['file-key-provider.ts', 'keyId === currentFile', ID],
  ['lru-map.ts', 'entries.get(key) !== value', 'the key of a map, and whether it holds the same object'],
  ['nonce-table.ts', 'record.token === token', 'made here for each delivery and never received from outside'],
  [
    'associated-data.ts',
    'Buffer.compare(Buffer.from(one), Buffer.from(other))',
    'the order of names, which are public',
  ],
]

const folder = new URL('../src/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const sources = files.map((file) => ({ file, source: parse(readFileSync(new URL(file, folder), 'utf8')) }))

describe('the sources of this package', () => {
  it('name the length of the tag wherever they make a cipher or a decipher (X2, protocol.md 8)', () => {
    expect(sources.flatMap(({ source }) => callsOf(source, CIPHERS)).length).toBeGreaterThanOrEqual(2)
    expect(sources.flatMap(({ source }) => ciphersWithoutTagLength(source))).toEqual([])
    expect(sources.flatMap(({ source }) => renamedCiphers(source))).toEqual([])
  })

  it('leave the comparison of tags and keys to OpenSSL, and compare nothing else that is secret (A34, X22)', () => {
    const found = sources.flatMap(({ file, source }) => comparisons(source).map((text) => `${file}: ${text}`))
    // What is allowed and no longer there would let the next one in.
    expect([...new Set(found)].sort()).toEqual(ALLOWED.map(([file, text]) => `${file}: ${text}`).sort())
  })
})

describe('a source', () => {
  it.each([
    'createDecipheriv(ALGORITHM, key, nonce)',
    'createDecipheriv(ALGORITHM, key, nonce, {})',
    'crypto.createCipheriv(ALGORITHM, key, nonce, { autoPadding: false })',
    'const OTHER = { length: 16 } as const; createDecipheriv(ALGORITHM, key, nonce, OTHER)',
    'createDecipheriv(ALGORITHM, key, nonce, options)',
  ])('that makes a cipher without the length of the tag is found: %s', (code) => {
    expect(ciphersWithoutTagLength(parse(code))).toHaveLength(1)
  })

  it.each([
    'createDecipheriv(ALGORITHM, key, nonce, { authTagLength: 16 })',
    'const TAG = { authTagLength: 16 } as const; createDecipheriv(ALGORITHM, key, nonce, TAG)',
  ])('that makes it with the length is not: %s', (code) => {
    expect(ciphersWithoutTagLength(parse(code))).toEqual([])
  })

  it('that gives the call another name is found', () => {
    expect(renamedCiphers(parse("import { createDecipheriv as open } from 'node:crypto'"))).toHaveLength(1)
  })

  it.each([
    'if (message.authTag === expected) open()',
    'const isSame = tag.equals(expected)',
    'while (Buffer.compare(one, other) === 0) next()',
    'check(digest != hmac.digest())',
    'expected.every((byte, at) => byte === given[at])',
    "const ok: boolean = (key.export() as Buffer).toString('hex') !== stored",
    'isDeepStrictEqual(one, other)',
  ])('that compares what is secret is found: %s', (code) => {
    expect(comparisons(parse(code))).toHaveLength(1)
  })

  it.each(['tag.length !== 16', 'key === undefined', "typeof token === 'string'", 'timingSafeEqual(tag, expected)'])(
    'that compares something else is not: %s',
    (code) => {
      expect(comparisons(parse(code))).toEqual([])
    },
  )
})
