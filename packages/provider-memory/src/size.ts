import { tooLarge } from './errors.ts'
import type { RawMessage } from './stored-message.ts'

const textSize = (text: string | undefined): number => (text === undefined ? 0 : Buffer.byteLength(text))

/** What a message takes of `maxMessageBytes`: its body and the UTF-8 bytes of its fields, attribute names and values. */
function messageSize({ body, messageId, sessionId, correlationId, contentType, attributes = {} }: RawMessage): number {
  let size = body.byteLength
  for (const text of [messageId, sessionId, correlationId, contentType]) size += textSize(text)
  for (const [name, value] of Object.entries(attributes)) size += textSize(name) + textSize(value)
  return size
}

/** @throws MessageTooLarge for the first message that has more than `maxMessageBytes` */
export function checkSizes(queue: string, messages: readonly RawMessage[], maxMessageBytes: number): void {
  for (const message of messages) {
    const size = messageSize(message)
    if (size > maxMessageBytes) throw tooLarge(queue, message.messageId, size, maxMessageBytes)
  }
}
