import { QueueError } from '@queue-runtime/core'
import type { Place } from './errors.ts'

// Refusals whose reason is an option of this provider: they name it.

/** What the service says of a queue that was made with sessions, or without them. No name of a queue has a space. */
const MADE_WITH = /\bthat requires sessions\b|\bSessionId was not set\b/
const MADE_WITHOUT = /\bthat does not require sessions\b/

const fieldOf = ({ queue }: Place): string => `queues.${queue}.sessions`

/** Returns Configuration, where the text tells for sure that the queue was made otherwise than its options say. */
export function wrongSessions(text: string, place: Place): QueueError | undefined {
  const field = fieldOf(place)
  const wrong = (is: string): QueueError =>
    new QueueError('Configuration', `The queue ${place.queue} was made ${is}`, { facts: { field }, ...place })
  if (MADE_WITH.test(text)) return wrong(`with sessions: set ${field} to true.`)
  if (MADE_WITHOUT.test(text)) return wrong(`without sessions: set ${field} to false, or leave it out.`)
  return undefined
}

/** Where the text speaks of sessions and no more. Names of queues, which it quotes, may do so too. */
export const sessionsHint = (text: string, place: Place): string =>
  /\bsessions? /i.test(text)
    ? ` If that is about sessions: ${fieldOf(place)} must be true for a queue that was made with sessions, and false for any other.`
    : ''

const NEEDED = 'needs UseDevelopmentEmulator=true in the connection string.'

/** The SDK about a server that closed the connection before it was open: it does not look for the reason. */
export const CLOSED_AT_ONCE: RegExp = /^Failed to connect$/

/** How to speak to a server without TLS, where its lack may be why there is no connection. */
export function tlsHint(name: string, text: string): string {
  if (/^EPROTO$|^ERR_SSL_/.test(name)) return ` The TLS handshake failed: a server without TLS ${NEEDED}`
  if (!CLOSED_AT_ONCE.test(text)) return ''
  return ` The server closed it before it was open: one without TLS does so when the TLS handshake fails, and ${NEEDED}`
}
