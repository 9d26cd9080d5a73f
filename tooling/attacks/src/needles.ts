import { inspect } from 'node:util'

/** Short enough to find a word, long enough that random bytes do not match by chance (once in 2^64 a pair). */
const WINDOW = 8

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** At how many offsets of `secret` eight bytes in a row stand somewhere in `shown`, too. */
export function windowsShared(secret: Uint8Array, shown: Uint8Array): number {
  const [needle, haystack] = [latin1(secret), latin1(shown)]
  let found = 0
  for (let at = 0; at + WINDOW <= needle.length; at += 1) {
    if (haystack.includes(needle.slice(at, at + WINDOW))) found += 1
  }
  return found
}

/** Nine bytes are twelve characters of base64; at every offset, whatever stands before them, one such piece shows. */
const PIECE = 9

const raw = (text: string): string[] => [text, JSON.stringify(text).slice(1, -1), inspect(text).slice(1, -1)]

/** The spellings in which bytes get into texts. */
const SPELLINGS: Readonly<Record<string, (bytes: Buffer) => readonly string[]>> = {
  raw: (bytes) => raw(bytes.toString('latin1')),
  hex: (bytes) => [bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
  base64: (bytes) => [bytes.toString('base64')],
  base64url: (bytes) => [bytes.toString('base64url')],
  numbers: (bytes) => [`,${bytes.join(',')},`],
}

const withoutSpace = (text: string): string => text.replace(/\s/g, '')

/** The spellings in which nine bytes in a row of `secret` stand in `shown`. Dumps and lists differ in white space: it is left out. */
export function spellingsIn(shown: string, secret: Uint8Array): string[] {
  const text = withoutSpace(shown)
  const pieces = Array.from({ length: secret.length - PIECE + 1 }, (_, at) => Buffer.from(secret.slice(at, at + PIECE)))
  return Object.entries(SPELLINGS)
    .filter(([, spell]) =>
      pieces.some((piece) => spell(piece).some((spelling) => text.includes(withoutSpace(spelling)))),
    )
    .map(([name]) => name)
}
