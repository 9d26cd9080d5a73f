import { plain } from './plain.ts'

export type Spelling = 'raw' | 'utf8' | 'hex' | 'base64' | 'base64url' | 'numbers'

/** So many bytes in a row are a piece of a secret: random ones are found by chance once in 2^64 times. */
const PIECE_BYTES = 8

/** As many characters hold as much where every second byte is none. */
const UTF8_CHARACTERS = 16

/** Every byte is one more than the last, as in many a key of a test, and in alphabets, tables and lists that are no key. */
export const isCount = (bytes: Uint8Array): boolean =>
  bytes.every((byte, at) => at === 0 || byte === ((bytes[at - 1] ?? 0) + 1) % 256)

const piecesOf = (secret: Buffer, stride: number): Buffer[] => {
  const last = Math.max(0, secret.length - PIECE_BYTES)
  const starts = Array.from({ length: Math.ceil(last / stride) }, (_, index) => index * stride)
  return [...starts, last].map((at) => secret.subarray(at, at + PIECE_BYTES))
}

/** A text as it is, and as JSON and inspect write it between quotes. */
const quoted = (text: string): string[] => [
  text,
  plain.stringify(text).slice(1, -1),
  plain.inspect(text, { maxStringLength: null }).slice(1, -1),
]

const rawOf = (secret: Buffer, stride: number): string[] =>
  (isCount(secret) ? [secret] : piecesOf(secret, stride)).flatMap((piece) => quoted(piece.toString('latin1')))

/** What dumps, lists and escapes put between two bytes in hex. */
const BETWEEN_HEX = ['', ' ', ':', ', 0x', '\\x', '\\u00', '%']

const hexOf = (secret: Buffer, stride: number): string[] =>
  piecesOf(secret, stride).flatMap((piece) => {
    const lower = Array.from(piece, (byte) => byte.toString(16).padStart(2, '0'))
    const upper = lower.map((digits) => digits.toUpperCase())
    return BETWEEN_HEX.flatMap((between) => [lower.join(between), upper.join(between)])
  })

/** Base64 spells bytes in three ways, as they stand at a multiple of three or after. Twelve characters are nine bytes. */
const base64Of = (secret: Buffer): string[] =>
  [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64')
    // The groups at the ends mix the secret with what stands around it.
    const own = text.slice(shift === 0 ? 0 : 4, Math.floor((shift + secret.length) / 3) * 4)
    return Array.from({ length: Math.max(0, own.length / 4 - 2) }, (_, group) => own.slice(group * 4, group * 4 + 12))
  })

const urlSafe = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_')

/** Bytes that were taken for UTF-8. ASCII is found raw; a text that is mostly replacement characters says nothing. */
const utf8Of = (secret: Buffer): string[] => {
  const text = secret.toString('utf8')
  return Array.from({ length: Math.max(0, text.length - UTF8_CHARACTERS + 1) }, (_, at) =>
    text.slice(at, at + UTF8_CHARACTERS),
  )
    .filter((part) => /[^\0-\x7f]/.test(part) && part.replaceAll('\ufffd', '').length >= UTF8_CHARACTERS / 2)
    .flatMap(quoted)
}

/**
 * The texts by which a secret shows, whole or in part; `stride` bytes lie between the starts of two pieces. Lists of decimal numbers
 * are not among them: they differ in white space and in what stands between the numbers, so the finder reads them.
 */
export const TEXTS: readonly (readonly [Spelling, (secret: Buffer, stride: number) => readonly string[]])[] = [
  ['raw', rawOf],
  ['utf8', utf8Of],
  ['hex', hexOf],
  ['base64', base64Of],
  ['base64url', (secret) => base64Of(secret).map(urlSafe)],
]
