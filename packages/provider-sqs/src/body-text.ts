import { isEncrypted } from '@queue-runtime/core/provider'

/** How bytes travel as the text that SQS carries. */
export type Encoding = 'base64' | 'empty'

/** Base64 of the marker `QRE1`: text that begins so is always decoded. */
const SEALED_TEXT = 'UVJFM'

/** SQS carries no empty body. */
const EMPTY_TEXT = '-'

/** SendMessage: "A message can include only XML, JSON, and unformatted text" of these characters. */
const CARRIED = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u

const utf8 = new TextEncoder()
/** A byte order mark is part of the body. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const isCarried = (text: string): boolean => CARRIED.test(text)

const textIn = (bytes: Uint8Array): string | undefined => {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

/** Returns the text that carries `bytes`, and how it is to be read where that is not as it stands (protocol.md 2). */
export function encodeBody(bytes: Uint8Array): { readonly text: string; readonly encoding: Encoding | undefined } {
  if (bytes.length === 0) return { text: EMPTY_TEXT, encoding: 'empty' }
  const text = isEncrypted(bytes) ? undefined : textIn(bytes)
  const isPlain = text !== undefined && isCarried(text) && !text.startsWith(SEALED_TEXT)
  return isPlain ? { text, encoding: undefined } : { text: base64(bytes), encoding: 'base64' }
}

/** Only what an encoder writes: other spellings of the same bytes are refused, and so is anything that is ignored. */
const fromBase64 = (text: string): Uint8Array | undefined => {
  const decoded = Buffer.from(text, 'base64')
  return decoded.toString('base64') === text ? new Uint8Array(decoded) : undefined
}

/** Returns the bytes that `text` carries, in an ArrayBuffer of their own; undefined where it is not what it says. */
export function decodeBody(text: string, encoding: Encoding | undefined): Uint8Array | undefined {
  if (encoding === 'empty') return text === EMPTY_TEXT ? new Uint8Array(0) : undefined
  return encoding === 'base64' || text.startsWith(SEALED_TEXT) ? fromBase64(text) : textBytes(text)
}

export const textBytes = (text: string): Uint8Array => utf8.encode(text)
