import type { IncomingMessage } from '../src/provider.ts'
import type { WatchSettling } from '../src/settling/watch-settling.ts'

/** A message as a provider hands it out, with nothing in it but what is asked for. */
export const incoming = (fields: Partial<IncomingMessage> = {}): IncomingMessage => ({
  body: new Uint8Array(0),
  messageId: 'm-1',
  brokerMessageId: '1',
  sessionId: undefined,
  correlationId: undefined,
  contentType: undefined,
  attributes: {},
  deliveryCount: 1,
  enqueuedAt: undefined,
  lockedUntil: new Date(0),
  ...fields,
})

/** What settles, without span, count or line. */
export const unwatched: WatchSettling = (_, __, act) => act()
