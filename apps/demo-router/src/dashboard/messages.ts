import { isEncrypted } from '@queue-runtime/core/provider'
import type { StoredCopy } from '../broker/copies.ts'
import type { Observer } from '../demo/observer.ts'
import { EVENT_ATTRIBUTE } from '../router.ts'
import { envelopeFields } from '../view/envelope-fields.ts'
import type { MessageDetail, MessageRow } from './events.ts'

/** The newest messages, and how far each is. */
export interface Messages extends Required<Observer> {
  /** Newest first. */
  rows(): MessageRow[]
  find(key: string): MessageDetail | undefined
  /** An attacker took a copy away. */
  taken(copy: StoredCopy): void
  /** Names the attack that a copy is part of. */
  attacked(attack: string, copy: StoredCopy): void
}

const KEPT = 200
const SHOWN_BYTES = 2_048
const SHOWN_CHARACTERS = 4_000

const textOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, SHOWN_CHARACTERS * 4)).slice(0, SHOWN_CHARACTERS)

const detailOf = ({ queue, key, messageId, body, attributes, sessionId, correlationId }: StoredCopy, at: number) => {
  const fields = envelopeFields(body)
  return {
    ...{ key, queue, messageId, at, fields },
    event: attributes[EVENT_ATTRIBUTE] ?? '',
    stage: 'stored',
    sealed: isEncrypted(body),
    keyId: fields.find(({ name }) => name === 'key id')?.value ?? null,
    storedBytes: body.length,
    ...{ attack: null, refusal: null, deadLetterReason: null, readBytes: null, text: null },
    sessionId: sessionId ?? null,
    correlationId: correlationId ?? null,
    attributes: { ...attributes },
    hex: Buffer.from(body.subarray(0, SHOWN_BYTES)).toString('hex'),
  } satisfies MessageDetail
}

const rowOf = (detail: MessageDetail): MessageRow => {
  const { sessionId, correlationId, attributes, hex, fields, readBytes, text, ...row } = detail
  return row
}

/** Returns the books of the newest messages; `onChange` is told of each row that is new or went on. */
export function createMessages(onChange: (row: MessageRow) => void): Messages {
  const details = new Map<string, MessageDetail>()

  const keep = (detail: MessageDetail): void => {
    details.set(detail.key, detail)
    const [oldest] = details.keys()
    if (details.size > KEPT && oldest !== undefined) details.delete(oldest)
    onChange(rowOf(detail))
  }

  const change = (
    { key }: { readonly key: string },
    changed: (known: MessageDetail) => Partial<MessageDetail>,
  ): void => {
    const known = details.get(key)
    if (known !== undefined) keep({ ...known, ...changed(known) })
  }

  return {
    rows: () => Array.from(details.values(), rowOf).reverse(),
    find: (key) => details.get(key),
    stored(copy) {
      if (!details.has(copy.key)) keep(detailOf(copy, Date.now()))
    },
    read: (place, _message, bytes) =>
      change(place, () => ({ stage: 'read', refusal: null, text: textOf(bytes), readBytes: bytes.length })),
    // A duplicate that was refused is completed, too.
    completed: (copy) => change(copy, ({ stage }) => ({ stage: stage === 'read' ? 'completed' : stage })),
    // It was settled before the client tells.
    rejected(place, { error, disposition }) {
      // One that is held while a store is away waits, and was refused by nobody.
      if (disposition.action === 'hold') return
      change(place, ({ stage }) => ({ refusal: error.code, stage: stage === 'dead' ? 'dead' : 'refused' }))
    },
    dead: (copy, { reason }) => change(copy, () => ({ stage: 'dead', deadLetterReason: reason })),
    taken: (copy) => change(copy, () => ({ stage: 'gone' })),
    attacked(attack, copy) {
      if (details.has(copy.key)) change(copy, () => ({ attack }))
      else keep({ ...detailOf(copy, Date.now()), attack })
    },
  }
}
