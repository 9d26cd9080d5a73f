import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import type { Settler } from './delivery.ts'

/** A message of which only the token of its lock is known. Without a link of its own the SDK asks for it by a request. */
export const lockedBy = (lockToken: string, sessionId?: string): ServiceBusReceivedMessage =>
  ({ lockToken, delivery: {}, ...(sessionId !== undefined && { sessionId }) }) as unknown as ServiceBusReceivedMessage

/**
 * Settles by the token of a lock what came over a link that is gone, or over one of another, or was tried there before. Of the
 * message itself the SDK would see its session id, and refuse, though its queue has no sessions: so it is given where it has.
 */
export function settlerByToken(receiver: ServiceBusReceiver, lockToken: string, sessionId?: string): Settler {
  const locked = lockedBy(lockToken, sessionId)
  return {
    completeMessage: () => receiver.completeMessage(locked),
    abandonMessage: () => receiver.abandonMessage(locked),
    deadLetterMessage: (_, options) => receiver.deadLetterMessage(locked, options),
  }
}
