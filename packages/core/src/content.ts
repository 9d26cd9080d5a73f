import { QueueError } from './errors.ts'
import type { Content, Seal } from './message.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The error holds nothing of what the decoder or the parser says: both quote their input. */
const attempt = <T>(what: string, messageId: string, read: () => T): T => {
  try {
    return read()
  } catch {
    throw new QueueError('InvalidBody', `The body is not ${what}.`, { messageId })
  }
}

/** Bytes that share their ArrayBuffer with others are copied out of it. */
const ownBuffer = (body: Uint8Array): Uint8Array =>
  body.byteLength === body.buffer.byteLength ? new Uint8Array(body.buffer) : new Uint8Array(body)

/** Makes what the application reads of an opened message. */
export function createContent(messageId: string, opened: { body: Uint8Array; seal: Seal | null }): Content {
  const body = ownBuffer(opened.body)
  return {
    body,
    seal: opened.seal,
    text: () => attempt('UTF-8', messageId, () => utf8.decode(body)),
    json: <T>() => attempt('JSON', messageId, () => JSON.parse(utf8.decode(body)) as T),
  }
}
