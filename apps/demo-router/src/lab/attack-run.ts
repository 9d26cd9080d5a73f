import type { Attack, Receiver } from '../attacks/attack.ts'
import { type Copies, isSameContent, type StoredCopy } from '../broker/copies.ts'
import { createHands } from '../broker/hands.ts'
import { createLetters } from '../broker/letters.ts'
import type { WatchedProvider } from '../broker/watched-provider.ts'
import type { SkippingClock } from '../clock.ts'
import type { AttackResult } from '../dashboard/events.ts'
import { createAttacker } from '../demo/attacker.ts'
import { holdsWithin } from '../demo/wait.ts'
import { QUEUES, type QueueName } from '../github/routes.ts'
import { ofItsOwn, withoutRepository } from './bait.ts'
import type { Books } from './books.ts'
import { LabConflict } from './conflict.ts'
import { judge } from './judge.ts'
import type { Traffic } from './traffic.ts'
import { type Fate, seenOf, type Watching } from './watching.ts'

/** The queue whose messages are attacked, and the other one that takes part. */
export const HOME: QueueName = 'task-tactician'

export interface AttackRunParts {
  readonly provider: WatchedProvider
  /** So many messages that wait for a second try hold nobody up for long. */
  readonly crowd: number
  readonly copies: Copies
  readonly clock: SkippingClock
  readonly traffic: Traffic
  readonly books: Books
  readonly watching: Watching
  /** Lets the bots of the attacked queue go home, and those who replace them come. */
  readonly dismiss: () => Promise<void>
  readonly engage: (receiver: Receiver | undefined) => Promise<void>
  readonly rotate: () => Promise<unknown>
  readonly strangeLookups: () => number
  /** Told of the id of each message before anything is done with it. */
  readonly onTouch: (messageId: string) => void
  /** Told of each copy that the attacker took away. */
  readonly onTaken: (copy: StoredCopy) => void
  /** Told of each copy that is part of the attack. */
  readonly onAttacked: (copy: StoredCopy) => void
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Fresh deliveries for the attacker to find. */
const BAIT = 2
/** How long others may take to leave the queues before time is skipped: then none of them grows old by it. */
const QUIET_MS = 3_000

/**
 * Plays one attack while the house lives: the bots of the attacked queue go, the attacker does what it does, bots come back, and
 * what becomes of each attacked copy is watched to its end. The other queues flow on; those of the attacked one wait meanwhile.
 */
export async function runAttack(attack: Attack, parts: AttackRunParts): Promise<AttackResult> {
  const { provider, copies, clock, traffic, books, watching, timeoutMs, signal } = parts
  const begunAt = clock.now()
  const lookupsBefore = parts.strangeLookups()
  const attacked: StoredCopy[] = []
  const isAttacked = ({ key }: StoredCopy): boolean => attacked.some((copy) => copy.key === key)
  const within = (holds: () => boolean | Promise<boolean>, ms = timeoutMs) => holdsWithin(ms, signal, holds)

  const note = (some: readonly StoredCopy[]): void => {
    attacked.push(...some)
    for (const copy of some) parts.onAttacked(copy)
  }

  /** Skips time while nobody else is on the way: locks and freshness of the others do not suffer by it. */
  const skip = (ms: number, isQuiet: () => boolean): Promise<void> =>
    traffic.still(async () => {
      await within(isQuiet, QUIET_MS)
      clock.skip(ms)
    })
  const isEmpty = (): boolean => QUEUES.every((queue) => copies.lyingIn(queue).every(isAttacked))

  /** Skips what a client wants to wait before it tries an attacked copy again. Others of its session may wait behind it. */
  const skipDelays = async (): Promise<void> => {
    const delays = watching.takeDelays(attacked)
    if (delays.length > 0) await skip(Math.max(...delays), () => !watching.isAnyInHand())
  }

  await parts.dismiss()
  const post = (): Promise<string[]> =>
    traffic.deliver(HOME, BAIT, attack.needsNoSession ? withoutRepository : ofItsOwn)
  const bait = await post()
  if (attack.needsTwoKeys) {
    await parts.rotate()
    bait.push(...(await post()))
  }
  const hands = createHands(provider, copies, signal)
  const intruder = await createAttacker({ hands, clock, onTouch: parts.onTouch })
  // A message that a bot had and gave back may come late (protocol.md 5): its victims are those that no bot ever had.
  const isBait = ({ messageId }: StoredCopy): boolean => bait.includes(messageId)
  const [first, second, ...others] = (intruder?.loot ?? []).toSorted((a, b) => Number(isBait(b)) - Number(isBait(a)))
  if (intruder === undefined || first === undefined || second === undefined) {
    throw new LabConflict('nothing-there', 'The attacker found nothing in the queue.')
  }

  const puts: StoredCopy[] = []
  const {
    attacked: altered,
    isOneAllowed = false,
    later,
  } = await attack.tamper({
    ...{ ...intruder, loot: [first, second, ...others], crowd: parts.crowd },
    async put(message) {
      const copy = await intruder.put(message)
      puts.push(copy)
      return copy
    },
    wait: (ms) => skip(ms, isEmpty),
  })
  note(altered)
  await intruder.leave()
  for (const copy of intruder.taken) parts.onTaken(copy)
  // What was put back as it was is still owed to its bot.
  const gone = intruder.taken.filter((copy) => !puts.some((put) => isSameContent(put, copy)))
  for (const { messageId } of gone) books.take(messageId)
  await parts.engage(attack.receiver)

  const untouched = intruder.loot.filter((copy) => !intruder.taken.includes(copy))
  const areDone = (): boolean => {
    const lying = new Set(copies.lyingIn(HOME).map(({ key }) => key))
    const due = new Set(books.due(HOME))
    return untouched.every(({ key }) => !lying.has(key)) && bait.every((id) => !due.has(id))
  }
  const areOthersDone = await within(async () => {
    await skipDelays()
    return areDone()
  })
  if (later !== undefined) note(await later())

  const fates = (): Fate[] => attacked.map(watching.fateOf)
  const isDecided = (fate: Fate): boolean =>
    fate.reads.length > 0 || fate.isCompleted || fate.deadLetterReason !== undefined
  await within(async () => {
    await skipDelays()
    return fates().every(isDecided)
  })

  const letters = createLetters(provider, signal)
  await within(async () => {
    const dead = fates().filter(({ deadLetterReason }) => deadLetterReason !== undefined)
    const unseen = dead.filter(({ copy }) => letters.reasonOf(copy) === undefined)
    for (const queue of new Set(unseen.map(({ copy }) => copy.queue))) await letters.refresh(queue)
    return unseen.length === 0
  })

  const seen = seenOf(fates(), {
    keyStoreCalls: parts.strangeLookups() - lookupsBefore,
    seconds: (clock.now() - begunAt) / 1_000,
  })
  return judge({ attack, fates: fates(), seen, isOneAllowed, areOthersDone, letters, timeoutMs })
}
