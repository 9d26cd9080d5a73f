import type { Attack } from '../attacks/attack.ts'
import type { StoredCopy } from '../broker/copies.ts'
import { createHands } from '../broker/hands.ts'
import { createLetters } from '../broker/letters.ts'
import type { Place } from '../place.ts'
import { createAttacker } from './attacker.ts'
import type { Delivery } from './deliveries.ts'
import type { House } from './house.ts'
import type { Entry, Ledger } from './ledger.ts'
import type { Post } from './post.ts'
import { postAll } from './post-all.ts'
import type { AttackRow } from './result.ts'
import { holdsWithin } from './wait.ts'
import { createWatch } from './watch.ts'

export interface RoundOptions {
  readonly house: House
  readonly ledger: Ledger
  readonly post: Post
  readonly attack: Attack
  /** At least two of them for the attacked queue. */
  readonly deliveries: readonly Delivery[]
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Told of the id of each message that the attacker is about to lay hands on. */
  readonly onTouch: (messageId: string) => void
  /** Told of each message that must not reach a bot, as it lies at the broker. */
  readonly onAttacked: (copy: StoredCopy) => void
  /** Told of each message that the attacker took away. */
  readonly onTaken: (place: Place) => void
}

export interface Round {
  readonly row: AttackRow
  /** The deliveries that nobody touched. */
  readonly bystanders: readonly Entry[]
}

/** Posts deliveries while no bot runs, lets the attacker at them, starts the bots, and waits until each has found its place. */
export async function runRound(options: RoundOptions): Promise<Round> {
  const { house, ledger, post, attack, deliveries, timeoutMs, signal, onTouch, onAttacked, onTaken } = options
  const { copies, clock, provider } = house
  const { name, description } = attack
  const entries = await postAll(deliveries, { post, ledger, signal })
  const attacker = await createAttacker({ hands: createHands(provider, copies, signal), clock, onTouch })
  if (attacker === undefined) return { row: unplayed(attack), bystanders: entries }

  const watch = createWatch({ ...{ copies, clock, ledger }, letters: createLetters(provider, signal) })
  const attacked = (some: readonly StoredCopy[]): void => {
    watch.add(some)
    for (const copy of some) onAttacked(copy)
  }
  const { attacked: altered, later } = await attack.tamper(attacker)
  attacked(altered)
  await attacker.leave()
  for (const place of attacker.taken) onTaken(place)
  const touched = new Set(attacker.taken.map(({ messageId }) => messageId))
  const bystanders = entries.filter(({ deliveryId }) => !touched.has(deliveryId))

  const bots = house.startBots()
  try {
    const areRead = (): boolean => bystanders.every(({ reads }) => reads.length > 0)
    await holdsWithin(timeoutMs, signal, () => areRead() && watch.areAlone())
    if (later !== undefined) attacked(await later())
    await holdsWithin(timeoutMs, signal, () => {
      watch.skipDelays()
      return watch.wasAnyRead() || watch.areAllDead()
    })
  } finally {
    await bots.close()
  }

  const passed = watch.wasAnyRead()
  const row: AttackRow = {
    ...{ name, description, passed },
    refused: !passed && watch.size > 0 && (await watch.areAllDead()),
    code: watch.codes().join(', '),
    reason: watch.reasons().join(', '),
    bystanders: bystanders.length,
    bystandersOpened: bystanders.filter(({ queue, reads }) => reads.some((read) => read.queue === queue)).length,
  }
  return { row, bystanders }
}

/** The row of an attack that found nothing to attack, since nothing arrived at the broker: not refused, either. */
const unplayed = ({ name, description }: Attack): AttackRow => ({
  ...{ name, description, refused: false, passed: false, code: '', reason: '' },
  ...{ bystanders: 0, bystandersOpened: 0 },
})
