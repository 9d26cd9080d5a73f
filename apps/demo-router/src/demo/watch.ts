import type { StoredMessage } from '@queue-runtime/provider-memory'
import { QUEUES } from '../github/routes.ts'
import { isAt, type Place, placeKey } from '../place.ts'
import type { House } from './house.ts'
import type { Ledger } from './ledger.ts'

/** Keeps an eye on the messages that must not reach a bot. */
export interface Watch {
  readonly size: number
  add(places: readonly Place[]): void
  has(place: Place): boolean
  /** The message of a place as it lies in its queue. */
  find(place: Place): StoredMessage | undefined
  /** True when a bot's handler saw one of them. */
  wasAnyRead(): boolean
  /** True when each lies among the dead letters. */
  areAllDead(): boolean
  /** True when nothing else lies in any queue, locked or not. */
  areAlone(): boolean
  /** Skips the delays of those that were put off since the last call: what passes is the time of the demo. */
  skipDelays(): void
  /** Why they were refused, as the clients say. */
  codes(): string[]
  /** Why they are dead letters, as the broker says. */
  reasons(): string[]
}

const distinct = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
]

export function createWatch({ broker, clock }: House, ledger: Ledger): Watch {
  const places = new Map<string, Place>()
  let skipped = 0

  const all = (): Place[] => [...places.values()]
  const has = (place: Place): boolean => places.has(placeKey(place))
  const letterAt = (place: Place): StoredMessage | undefined =>
    broker.queue(place.queue).deadLetters().find(isAt(place))
  const rejections = () => ledger.rejections.filter(has)

  return {
    get size() {
      return places.size
    },
    add(added) {
      for (const place of added) places.set(placeKey(place), place)
    },
    has,
    find: (place) => broker.queue(place.queue).messages().find(isAt(place)),
    wasAnyRead: () => all().some(ledger.wasRead),
    areAllDead: () => all().every((place) => letterAt(place) !== undefined),
    areAlone: () =>
      QUEUES.every((queue) =>
        broker
          .queue(queue)
          .messages()
          .every(({ brokerMessageId }) => has({ queue, brokerMessageId })),
      ),
    skipDelays() {
      const known = rejections()
      for (const { rejected } of known.slice(skipped)) {
        if (rejected.disposition.action === 'abandon') clock.skip(rejected.disposition.delayMs)
      }
      skipped = known.length
    },
    codes: () => distinct(rejections().map(({ rejected }) => rejected.error.code)),
    reasons: () => distinct(all().map((place) => letterAt(place)?.deadLettered?.reason)),
  }
}
