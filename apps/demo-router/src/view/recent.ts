import type { StoredCopy } from '../broker/copies.ts'
import type { Observer } from '../demo/observer.ts'
import type { QueueName } from '../github/routes.ts'
import type { Place } from '../place.ts'
import { EVENT_ATTRIBUTE } from '../router.ts'
import { type EnvelopeField, envelopeFields } from './envelope-fields.ts'

/** One message as the page shows it: what the broker stored, and what the bot made of it. */
export interface RecentMessage {
  readonly key: string
  readonly queue: QueueName
  readonly event: string
  readonly messageId: string
  readonly sessionId: string | null
  /** The name of the attack that it was put through. */
  readonly attack: string | null
  readonly storedBytes: number
  /** The first of them. */
  readonly hex: string
  readonly fields: readonly EnvelopeField[]
  readonly readBytes: number | null
  /** The beginning of the text that the bot read; null until it did. */
  readonly text: string | null
  /** Why the client refused it. */
  readonly refusal: string | null
}

/** The newest messages, newest first. */
export interface Recent extends Pick<Required<Observer>, 'stored' | 'read' | 'rejected'> {
  readonly messages: readonly RecentMessage[]
  /** An attack made or touched the message. */
  attacked(attack: string, place: Place): void
  /** The message is no longer at the broker, and nobody read it. */
  forget(place: Place): void
}

const KEPT = 60
const SHOWN_BYTES = 512
const SHOWN_CHARACTERS = 1_500

const hexOf = (body: Uint8Array): string => Buffer.from(body.subarray(0, SHOWN_BYTES)).toString('hex')

const textOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, SHOWN_CHARACTERS * 4)).slice(0, SHOWN_CHARACTERS)

export function createRecent(): Recent {
  const messages = new Map<string, RecentMessage>()

  const store = ({ queue, key, messageId, sessionId, attributes, body }: StoredCopy): void => {
    messages.set(key, {
      ...{
        key,
        queue,
        messageId,
        attack: null,
        storedBytes: body.length,
        hex: hexOf(body),
        fields: envelopeFields(body),
      },
      event: attributes[EVENT_ATTRIBUTE] ?? '',
      sessionId: sessionId ?? null,
      ...{ readBytes: null, text: null, refusal: null },
    })
    const [oldest] = messages.keys()
    if (messages.size > KEPT && oldest !== undefined) messages.delete(oldest)
  }

  const update = (place: Place, change: Partial<RecentMessage>): void => {
    const known = messages.get(place.key)
    if (known !== undefined) messages.set(known.key, { ...known, ...change })
  }

  return {
    get messages() {
      return [...messages.values()].reverse()
    },
    stored: store,
    attacked: (attack, place) => update(place, { attack }),
    forget: ({ key }) => void messages.delete(key),
    read: (place, _message, bytes) => update(place, { text: textOf(bytes), readBytes: bytes.length }),
    rejected: (place, { error }) => update(place, { refusal: error.code }),
  }
}
