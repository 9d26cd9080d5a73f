import type { Content } from '../store/entry.ts'
import { AmqpRefusal, CONDITION } from './conditions.ts'
import { decodeMessage } from './rhea.ts'
import { SECTION, type Section, splitSections } from './sections.ts'
import { bytesOf, idOf, mapOf, momentOf, numberOf, textOf } from './values.ts'

/** The message format of a batch: each data section of its body is a message. */
const BATCH_FORMAT = 0x80013700

const READ: readonly number[] = [SECTION.header, SECTION.messageAnnotations, SECTION.properties]

/** What the broker reads of a message: its header and properties, never its body. */
const fieldsOf = (sections: readonly Section[]): Readonly<Record<string, unknown>> =>
  decodeMessage(Buffer.concat(sections.filter(({ code }) => READ.includes(code)).map(({ bytes }) => bytes)))

/** A time to live beyond the header's 49 days stands only in the two moments. */
const timeToLiveOf = (fields: Readonly<Record<string, unknown>>): number | undefined => {
  const expiry = momentOf(fields.absolute_expiry_time)
  const creation = momentOf(fields.creation_time)
  return expiry !== undefined && creation !== undefined ? expiry - creation : numberOf(fields.ttl)
}

const contentOf = (payload: Buffer): Content => {
  const fields = fieldsOf(splitSections(payload))
  return {
    messageId: idOf(fields.message_id),
    sessionId: textOf(fields.group_id),
    timeToLiveMs: timeToLiveOf(fields),
    scheduledAt: momentOf(mapOf(fields.message_annotations)['x-opt-scheduled-enqueue-time']),
    // A copy: what rhea hands over may be part of a larger buffer.
    payload: new Uint8Array(payload),
  }
}

/** The messages in one transfer. @throws amqp:decode-error */
export function contentsOf(transfer: Buffer, format: number): Content[] {
  if (format !== BATCH_FORMAT) return [contentOf(transfer)]
  return splitSections(transfer)
    .filter(({ code }) => code === SECTION.data)
    .map(({ bytes }) => {
      const body = mapOf(decodeMessage(bytes).body)
      const message = bytesOf(body.content)
      if (message === undefined) throw new AmqpRefusal(CONDITION.decodeError, 'The batch holds something else.')
      return contentOf(message)
    })
}
