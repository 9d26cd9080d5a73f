import type { Peer } from './peer.ts'
import { decodeMessage, encodeMessage } from './rhea.ts'
import { type AmqpMap, mapOf, textOf } from './values.ts'

/** A message that asks for an answer. */
export interface Request {
  /** Its application properties. */
  readonly properties: AmqpMap
  readonly body: unknown
  /** Answers it over the link that it names; without such a link nobody hears. */
  reply(properties: object, body?: unknown): void
}

export function readRequest(peer: Peer, bytes: Buffer): Request {
  const message = decodeMessage(bytes)
  return {
    properties: mapOf(message.application_properties),
    body: message.body,
    reply(properties, body = null) {
      const link = peer.replyLinks.get(textOf(message.reply_to) ?? '')
      if (link?.is_open() !== true) return
      const fields = { correlation_id: message.message_id, application_properties: properties, body }
      link.send(encodeMessage(fields), undefined, 0)
    },
  }
}
