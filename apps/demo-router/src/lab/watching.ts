import type { ReceivedMessage, RejectedMessage } from '@queue-runtime/core'
import { isQueueError, type QueueError } from '@queue-runtime/core'
import type { ReadCopy, Seen } from '../attacks/attack.ts'
import type { StoredCopy } from '../broker/copies.ts'
import type { Observer } from '../demo/observer.ts'

/** What became of one copy so far, as clients and broker told it. */
export interface Fate {
  readonly copy: StoredCopy
  readonly reads: readonly ReadCopy[]
  readonly rejections: readonly RejectedMessage[]
  readonly isCompleted: boolean
  /** Why the client says that it set it aside. */
  readonly deadLetterReason: string | undefined
}

/** Notes what becomes of all copies while an attack goes on. */
export interface Watching extends Required<Observer> {
  fateOf(copy: StoredCopy): Fate
  /** True while a bot works on a message that it read. */
  isAnyInHand(): boolean
  /** Delays after which clients want to try again, since this was asked last. */
  takeDelays(copies: readonly StoredCopy[]): number[]
}

interface Notes {
  readonly reads: ReadCopy[]
  readonly rejections: RejectedMessage[]
  isCompleted: boolean
  deadLetterReason: string | undefined
  looked: number
}

const readCopy = (order: number, { seal }: ReceivedMessage): ReadCopy => ({
  order,
  provenAttributes: Object.keys(seal?.attributes ?? {}),
})

export function createWatching(): Watching {
  const notes = new Map<string, Notes>()
  let order = 0

  const at = ({ key }: { readonly key: string }): Notes => {
    const known = notes.get(key) ?? {
      ...{ reads: [], rejections: [], isCompleted: false, deadLetterReason: undefined, looked: 0 },
    }
    notes.set(key, known)
    return known
  }

  return {
    stored() {},
    read(place, message) {
      order += 1
      at(place).reads.push(readCopy(order, message))
    },
    rejected: (place, rejected) => void at(place).rejections.push(rejected),
    completed(copy) {
      at(copy).isCompleted = true
    },
    dead(copy, { reason }) {
      at(copy).deadLetterReason = reason
    },
    isAnyInHand: () =>
      [...notes.values()].some(
        ({ reads, isCompleted, deadLetterReason }) =>
          reads.length > 0 && !isCompleted && deadLetterReason === undefined,
      ),
    fateOf: (copy) => ({ copy, ...at(copy) }),
    takeDelays: (copies) =>
      copies.flatMap((copy) => {
        const noted = at(copy)
        const fresh = noted.rejections.slice(noted.looked)
        noted.looked = noted.rejections.length
        return fresh.flatMap(({ disposition }) => (disposition.action === 'abandon' ? [disposition.delayMs] : []))
      }),
  }
}

/** The code of an error, and what it tells beside: `InvalidEnvelope (truncated)`. */
const wordsFor = (error: QueueError): string => {
  if (isQueueError(error, 'InvalidEnvelope')) return `${error.code} (${error.facts.reason})`
  if (isQueueError(error, 'UnsupportedVersion')) return `${error.code} (${error.facts.version})`
  if (isQueueError(error, 'NonceReused')) return `${error.code} (${error.facts.state})`
  return error.code
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)]

export const codesOf = (fates: readonly Fate[]): string[] =>
  distinct(fates.flatMap(({ rejections }) => rejections.map(({ error }) => error.code)))

/** The same, with what each error tells beside its code. */
export const refusalsOf = (fates: readonly Fate[]): string =>
  distinct(fates.flatMap(({ rejections }) => rejections.map(({ error }) => wordsFor(error)))).join(', ')

export const seenOf = (fates: readonly Fate[], rest: Pick<Seen, 'keyStoreCalls' | 'seconds'>): Seen => ({
  reads: fates.flatMap(({ reads }) => reads),
  ...rest,
})
