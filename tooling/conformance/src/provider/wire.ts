import { randomUUID } from 'node:crypto'
import type { WireBody, WireMessage } from '@queue-runtime/core/provider'

/** The one place where bytes become a body for the wire without protection: core does it after it. */
const toWire = (bytes: Uint8Array): WireBody => bytes as WireBody

/** A message as core hands it to a transport. */
export function wireMessage(body: string | Uint8Array, fields: Partial<Omit<WireMessage, 'body'>> = {}): WireMessage {
  const messageId = fields.messageId ?? randomUUID()
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return { deduplicationId: messageId, ...fields, messageId, body: toWire(bytes) }
}
