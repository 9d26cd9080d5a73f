import type { StoredMessage } from '@queue-runtime/provider-memory'
import type { Attack, Attacker } from '../attacks/attack.ts'
import { QUEUES, type QueueName } from '../github/routes.ts'
import { type Place, placeKey } from '../place.ts'
import type { Delivery } from './deliveries.ts'
import type { House } from './house.ts'
import type { Entry, Ledger } from './ledger.ts'
import type { Post } from './post.ts'
import { postAll } from './post-all.ts'
import type { AttackRow } from './result.ts'
import { holdsWithin } from './wait.ts'

/** The queue whose messages are attacked, and the other one that a message is moved to. */
const HOME: QueueName = 'task-tactician'
const ELSEWHERE: QueueName = 'merge-warden'

export interface RoundOptions {
  readonly house: House
  readonly ledger: Ledger
  readonly post: Post
  readonly attack: Attack
  /** At least two of them for `task-tactician`. */
  readonly deliveries: readonly Delivery[]
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Told of each message that must not reach a bot, as it lies at the broker. */
  readonly onAttacked: (place: Place, message: StoredMessage) => void
}

export interface Round {
  readonly row: AttackRow
  /** The deliveries that nobody touched. */
  readonly bystanders: readonly Entry[]
}

/** Posts deliveries while no bot runs, lets the attacker at them, starts the bots, and waits until all has found its place. */
export async function runRound(options: RoundOptions): Promise<Round> {
  const { house, ledger, post, attack, deliveries, timeoutMs, signal, onAttacked } = options
  const { broker, clock } = house
  const entries = await postAll(deliveries, { post, ledger, signal })
  const before = broker.queue(HOME).messages()
  const attacked = new Map<string, Place>()

  const mark = (places: readonly Place[]): void => {
    for (const place of places) {
      attacked.set(placeKey(place), place)
      const message = broker.queue(place.queue).messages().find(isAt(place))
      if (message !== undefined) onAttacked(place, message)
    }
  }

  const attacker = createAttacker(house, before)
  if (attacker === undefined) return { row: unplayed(attack), bystanders: entries }
  const { attacked: places, later } = attack.tamper(attacker)
  mark(places)
  const isUntouched = (message: StoredMessage): boolean => {
    const place = { queue: HOME, brokerMessageId: message.brokerMessageId }
    return !attacked.has(placeKey(place)) && broker.queue(HOME).messages().some(isAt(place))
  }
  const touched = new Set(before.filter((message) => !isUntouched(message)).map(({ messageId }) => messageId))
  const bystanders = entries.filter(({ deliveryId }) => !touched.has(deliveryId))

  /** Only what was attacked is left, if anything: the rest was read, and settled as well. */
  const areBystandersDone = (): boolean =>
    bystanders.every(({ reads }) => reads.length > 0) &&
    QUEUES.every((queue) =>
      broker
        .queue(queue)
        .messages()
        .every(({ brokerMessageId }) => attacked.has(placeKey({ queue, brokerMessageId }))),
    )
  const wasAnyRead = (): boolean => [...attacked.values()].some(ledger.wasRead)
  const letterAt = (place: Place): StoredMessage | undefined =>
    broker.queue(place.queue).deadLetters().find(isAt(place))
  const areAllDead = (): boolean => [...attacked.values()].every((place) => letterAt(place) !== undefined)
  const rejections = () => ledger.rejections.filter((rejection) => attacked.has(placeKey(rejection)))

  let skipped = 0
  /** A message that is put off comes back at once: what passes is the time of the demo. */
  const skipDelays = (): void => {
    for (const { rejected } of rejections().slice(skipped)) {
      skipped += 1
      if (rejected.disposition.action === 'abandon') clock.skip(rejected.disposition.delayMs)
    }
  }

  const bots = house.startBots()
  try {
    await holdsWithin(timeoutMs, signal, areBystandersDone)
    if (later !== undefined) mark(later())
    await holdsWithin(timeoutMs, signal, () => {
      skipDelays()
      return wasAnyRead() || areAllDead()
    })
  } finally {
    await bots.close()
  }

  const passed = wasAnyRead()
  const letters = [...attacked.values()].map(letterAt)
  const row: AttackRow = {
    name: attack.name,
    description: attack.description,
    refused: !passed && attacked.size > 0 && areAllDead(),
    passed,
    code: distinct(rejections().map(({ rejected }) => rejected.error.code)),
    reason: distinct(letters.map((letter) => letter?.deadLettered?.reason)),
    bystanders: bystanders.length,
    bystandersOpened: bystanders.filter(({ queue, reads }) => reads.some((read) => read.queue === queue)).length,
  }
  sweep(house)
  return { row, bystanders }
}

const isAt =
  ({ brokerMessageId }: Place) =>
  (message: StoredMessage): boolean =>
    message.brokerMessageId === brokerMessageId

const distinct = (values: readonly (string | undefined)[]): string =>
  [...new Set(values.filter((value) => value !== undefined))].join(', ')

/** Removes what a failed round left, so that the next one starts clean. */
export const sweep = ({ broker }: House): void => {
  for (const queue of QUEUES) {
    for (const { brokerMessageId } of broker.queue(queue).messages()) broker.queue(queue).remove(brokerMessageId)
  }
}

/** The row of an attack that found nothing to attack, since nothing arrived at the broker: not refused, either. */
const unplayed = ({ name, description }: Attack): AttackRow => ({
  ...{ name, description, refused: false, passed: false, code: '', reason: '' },
  ...{ bystanders: 0, bystandersOpened: 0 },
})

function createAttacker({ broker, clock }: House, loot: readonly StoredMessage[]): Attacker | undefined {
  const [first, second, ...others] = loot
  if (first === undefined || second === undefined) return undefined
  const home = broker.queue(HOME)
  const at = (queue: QueueName, brokerMessageId: string): Place => ({ queue, brokerMessageId })
  return {
    loot: [first, second, ...others],
    edit({ brokerMessageId }, change) {
      home.replace(brokerMessageId, change)
      return at(HOME, brokerMessageId)
    },
    take: ({ brokerMessageId }) => void home.remove(brokerMessageId),
    put: (message) => at(HOME, home.put(message)),
    putElsewhere: (message) => at(ELSEWHERE, broker.queue(ELSEWHERE).put(message)),
    wait: clock.skip,
  }
}
