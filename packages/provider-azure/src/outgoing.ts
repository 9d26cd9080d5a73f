import type { ServiceBusMessage } from '@azure/service-bus'
import { invalid, type WireMessage } from '@queue-runtime/core/provider'
import { DIAGNOSTIC_ID, MESSAGE_ID } from './incoming.ts'
import { MAX_PROPERTIES_BYTES, MAX_PROPERTY_BYTES, MAX_TIME_TO_LIVE_MS } from './limits.ts'

/** A message as the SDK takes it; its body is bytes. */
export type Outgoing = ServiceBusMessage & { readonly body: Uint8Array }

const checkSizes = (properties: Readonly<Record<string, string>>): void => {
  let total = 0
  for (const [name, value] of Object.entries(properties)) {
    const size = Buffer.byteLength(name) + Buffer.byteLength(value)
    total += size
    if (size > MAX_PROPERTY_BYTES) {
      throw invalid(`attributes.${name}`, 'out-of-range', `must have at most ${MAX_PROPERTY_BYTES} bytes.`)
    }
  }
  if (total <= MAX_PROPERTIES_BYTES) return
  throw invalid('attributes', 'out-of-range', `must have at most ${MAX_PROPERTIES_BYTES} bytes together.`)
}

const propertiesOf = ({ messageId, attributes = {} }: WireMessage): Record<string, string> => {
  const { traceparent } = attributes
  return { ...attributes, ...(traceparent && { [DIAGNOSTIC_ID]: traceparent }), [MESSAGE_ID]: messageId }
}

/**
 * Returns how the message goes to Service Bus (protocol.md 2): the id that it is deduplicated by as its message id, the sender's
 * beside it. The body is borrowed.
 *
 * @throws Validation: a property is too large, or the time to live is too long
 */
export function toMessage(message: WireMessage): Outgoing {
  const { body, deduplicationId, sessionId, correlationId, contentType, timeToLiveMs, deliverAt } = message
  if (timeToLiveMs !== undefined && timeToLiveMs > MAX_TIME_TO_LIVE_MS) {
    throw invalid('timeToLiveMs', 'out-of-range', `must be at most ${MAX_TIME_TO_LIVE_MS} on Service Bus.`)
  }
  const applicationProperties = propertiesOf(message)
  checkSizes(applicationProperties)
  return {
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    messageId: deduplicationId,
    applicationProperties,
    ...(sessionId !== undefined && { sessionId }),
    ...(correlationId !== undefined && { correlationId }),
    ...(contentType !== undefined && { contentType }),
    ...(timeToLiveMs !== undefined && { timeToLive: timeToLiveMs }),
    ...(deliverAt !== undefined && { scheduledEnqueueTimeUtc: deliverAt }),
  }
}
