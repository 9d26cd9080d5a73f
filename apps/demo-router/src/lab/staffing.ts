import { type Clock, createQueueClient, type Logger, type QueueProvider } from '@queue-runtime/core'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'
import type { Receiver } from '../attacks/attack.ts'
import type { Copies } from '../broker/copies.ts'
import { holdsWithin } from '../demo/wait.ts'
import { perQueue, type QueueName } from '../github/routes.ts'
import type { Protection } from '../keys.ts'
import { LENIENCY, receiverProtection, STRICT, type Stance, senderProtection, sharedKeys } from '../protections.ts'
import { HOME } from './attack-run.ts'
import type { Crew } from './crew.ts'
import type { QueueKeys } from './queue-keys.ts'
import type { ReplaceableSender } from './senders.ts'

export interface StaffingParts {
  readonly provider: QueueProvider
  readonly clock: Clock
  readonly logger: Logger
  readonly copies: Copies
  readonly crew: Crew
  readonly senders: Readonly<Record<QueueName, ReplaceableSender>>
  readonly keys: Readonly<Record<QueueName, QueueKeys>>
  readonly nonceStore: NonceStore
  /** Where tests put something broken. */
  readonly botProtection: (own: Protection) => Protection
}

/** Who works at each queue, and how: senders and bots are replaced while messages flow. */
export interface Staffing {
  stanceOf(queue: QueueName): Stance
  /** Has the bots come that a queue has when nobody attacks it. */
  usual(queue: QueueName): Promise<void>
  /** Has those come that an attack asks for. */
  engage(receiver: Receiver | undefined): Promise<void>
  /** Has the usual ones back, wherever others came. */
  disengage(receiver: Receiver | undefined): Promise<void>
  /** Changes how a queue is run. Those that take more come first; those that take less come when what was sent before was handled. */
  change(queue: QueueName, stance: Stance, options: { timeoutMs: number; signal: AbortSignal }): Promise<void>
}

/** The queue whose bot is given the key of another one, for the attack that shows why nobody should. */
const ELSEWHERE: QueueName = 'merge-warden'

export function createStaffing(parts: StaffingParts): Staffing {
  const { provider, clock, logger, copies, crew, senders, keys, nonceStore, botProtection } = parts
  const stances = perQueue((): Stance => STRICT)

  const protectionOf = (queue: QueueName, keyProvider: KeyProvider, store?: NonceStore): Protection =>
    botProtection(receiverProtection(keyProvider, stances[queue], store))
  const usualProtection = (queue: QueueName): Protection => protectionOf(queue, keys[queue].bot, nonceStore)
  const usual = (queue: QueueName): Promise<void> => crew.staff(queue, [usualProtection(queue)])

  const RECEIVERS: Readonly<Record<Receiver, () => Promise<void>>> = {
    untracked: () => crew.staff(HOME, [protectionOf(HOME, keys[HOME].bot)]),
    'two-consumers': () => crew.staff(HOME, [usualProtection(HOME), usualProtection(HOME)]),
    async 'shared-key'() {
      await usual(HOME)
      const shared = sharedKeys(keys[ELSEWHERE].bot, keys[HOME].bot)
      await crew.staff(ELSEWHERE, [protectionOf(ELSEWHERE, shared, nonceStore)])
    },
  }

  const changeSender = (queue: QueueName, stance: Stance): Promise<void> => {
    const crypto = senderProtection(keys[queue].router, stance)
    return senders[queue].replace(createQueueClient({ provider, queue, clock, logger, crypto }))
  }

  const changeReceiver = async (queue: QueueName, stance: Stance): Promise<void> => {
    stances[queue] = stance
    await usual(queue)
  }

  return {
    stanceOf: (queue) => stances[queue],
    usual,
    engage: (receiver) => (receiver === undefined ? usual(HOME) : RECEIVERS[receiver]()),
    async disengage(receiver) {
      if (receiver === undefined) return
      await usual(HOME)
      if (receiver === 'shared-key') await usual(ELSEWHERE)
    },
    async change(queue, stance, { timeoutMs, signal }) {
      if (LENIENCY[stance.mode] >= LENIENCY[stances[queue].mode]) {
        await changeReceiver(queue, stance)
        return changeSender(queue, stance)
      }
      await changeSender(queue, stance)
      const sentBefore = new Set(copies.lyingIn(queue).map(({ key }) => key))
      await holdsWithin(timeoutMs, signal, () => copies.lyingIn(queue).every(({ key }) => !sentBefore.has(key)))
      await changeReceiver(queue, stance)
    },
  }
}
