import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import util from 'node:util'
import v8 from 'node:v8'
import type { Channel } from './channels.ts'
import type { Watch } from './watch.ts'

type Functions = Record<string, (...given: unknown[]) => unknown>

/** Listens to the calls of a function. Whoever calls it sees no difference, and what restores mocks does not know of it. */
function tap(owner: object, name: string, heard: (given: readonly unknown[], result: unknown) => void): void {
  const functions = owner as Functions
  const original = functions[name]
  if (original === undefined) throw new Error(`There is no ${name} to listen to.`)
  functions[name] = new Proxy(original, {
    apply(target, self, given) {
      const result: unknown = Reflect.apply(target, self, given)
      heard(given, result)
      return result
    },
  })
}

/** What node:crypto takes as a key, as bytes. */
function bytesOf(key: unknown, encoding: unknown): Uint8Array {
  if (typeof key === 'string')
    return Buffer.from(key, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  if (ArrayBuffer.isView(key)) return new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
  return key instanceof ArrayBuffer ? new Uint8Array(key) : new Uint8Array()
}

/** AES-256 takes no other (FIPS 197). */
const KEY_BYTES = 32

/** What makes texts and copies of values. */
const MAKERS: readonly (readonly [owner: object, name: string, channel: Channel])[] = [
  [util, 'inspect', 'inspect'],
  [util, 'format', 'inspect'],
  [util, 'formatWithOptions', 'inspect'],
  [JSON, 'stringify', 'JSON'],
  [globalThis, 'structuredClone', 'clone'],
  [v8, 'serialize', 'clone'],
]

/** Where the process and the console write: the console of vitest has streams of its own. */
const streams = (): Set<object> => {
  const { _stdout, _stderr } = console as unknown as { _stdout: object; _stderr: object }
  return new Set([process.stdout, process.stderr, _stdout, _stderr])
}

/** From now on, tells the watch of every key that is made in this process, and of all that is printed. */
export function listen(watch: Watch): void {
  tap(nodeCrypto, 'createSecretKey', ([key, encoding]) => {
    const bytes = bytesOf(key, encoding)
    if (bytes.length === KEY_BYTES) watch.learn(bytes)
  })
  for (const [owner, name, channel] of MAKERS) tap(owner, name, (_, result) => watch.look(channel, result))
  for (const stream of streams()) tap(stream, 'write', ([chunk]) => watch.look('console', chunk))
  // What is imported by name is renewed, too.
  syncBuiltinESMExports()
}
