import type { Attacker } from '../attacks/attack.ts'
import type { StoredCopy, WireFields } from '../broker/copies.ts'
import type { Hands } from '../broker/hands.ts'
import type { SkippingClock } from '../clock.ts'
import type { QueueName } from '../github/routes.ts'

/** The queue whose messages are attacked, and the other one that a message is moved to. */
const HOME: QueueName = 'task-tactician'
const ELSEWHERE: QueueName = 'merge-warden'

/** More make no other point. */
const CROWD = 12

/** How long the attacker looks for what was stored, by the clock of the machine. */
const GRAB_MS = 5_000

/** An attacker at work, who holds all that lies in the attacked queue. */
export interface Intruder extends Attacker {
  /** What was taken away or edited so far. */
  readonly taken: readonly StoredCopy[]
  /** Lets go of what nobody touched. */
  leave(): Promise<void>
}

export interface AttackerParts {
  readonly hands: Hands
  readonly clock: SkippingClock
  /** Told of the id of each message before anything is done with it. */
  readonly onTouch: (messageId: string) => void
}

/** Resolves with an attacker at the broker; with undefined where less than two messages lie there to be attacked. */
export async function createAttacker({ hands, clock, onTouch }: AttackerParts): Promise<Intruder | undefined> {
  const grip = await hands.grab(HOME, GRAB_MS)
  const [first, second, ...others] = grip.copies
  if (first === undefined || second === undefined) {
    await grip.release()
    return undefined
  }
  const taken: StoredCopy[] = []
  const take = async (message: StoredCopy): Promise<void> => {
    onTouch(message.messageId)
    grip.keep(message)
    taken.push(message)
  }
  const putInto = (queue: QueueName, message: WireFields): Promise<StoredCopy> => {
    onTouch(message.messageId)
    return hands.put(queue, message)
  }
  return {
    loot: [first, second, ...others],
    crowd: CROWD,
    taken,
    async edit(message, change) {
      await take(message)
      return putInto(HOME, { ...message, ...change })
    },
    take,
    put: (message) => putInto(HOME, message),
    putElsewhere: (message) => putInto(ELSEWHERE, message),
    async wait(ms) {
      clock.skip(ms)
    },
    leave: () => grip.release(),
  }
}
