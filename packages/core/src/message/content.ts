import { QueueError } from '../base/errors.ts'
import { hideBody } from '../base/hide-body.ts'
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

/** A plaintext body is the provider's, and one that shares its ArrayBuffer is others' too: both are copied. */
const ownBuffer = ({ body, seal }: { body: Uint8Array; seal: Seal | null }): Uint8Array =>
  seal !== null && body.byteLength === body.buffer.byteLength ? new Uint8Array(body.buffer) : new Uint8Array(body)

/** Makes what the application reads of an opened message. */
export function createContent(messageId: string, opened: { body: Uint8Array; seal: Seal | null }): Content {
  const body = ownBuffer(opened)
  const { seal } = opened
  const content: Content = {
    body,
    seal,
    text: () => attempt('UTF-8', messageId, () => utf8.decode(body)),
    json: <T>() => attempt('JSON', messageId, () => JSON.parse(utf8.decode(body)) as T),
  }
  return hideBody(content, () => ({ seal }))
}
