import { createQueueClient, type Logger, type QueueProvider } from '@queue-runtime/core'
import type { TransportFeatures } from '@queue-runtime/core/provider'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'
import { LAB_ATTACKS } from '../attacks/all.ts'
import type { Attack, Receiver } from '../attacks/attack.ts'
import type { Copies, StoredCopy } from '../broker/copies.ts'
import type { WatchedProvider } from '../broker/watched-provider.ts'
import type { SkippingClock } from '../clock.ts'
import type { LabLook, QueueLook } from '../dashboard/dashboard.ts'
import type { AttackInfo, LabCalls, OutageName } from '../dashboard/events.ts'
import type { Observer } from '../demo/observer.ts'
import { holdsWithin } from '../demo/wait.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import type { Protection } from '../keys.ts'
import { LENIENCY, receiverProtection, STRICT, type Stance, senderProtection, sharedKeys } from '../protections.ts'
import { HOME, runAttack } from './attack-run.ts'
import type { Books } from './books.ts'
import { LabConflict } from './conflict.ts'
import type { Crew } from './crew.ts'
import type { QueueKeys } from './queue-keys.ts'
import type { ReplaceableSender } from './senders.ts'
import type { Switch } from './switches.ts'
import type { Traffic } from './traffic.ts'
import { createWatching } from './watching.ts'

export interface LabParts {
  readonly clock: SkippingClock
  readonly logger: Logger
  /** What lies at the broker, and the broker as an attacker reaches it. */
  readonly copies: Copies
  readonly broker: WatchedProvider
  readonly features: TransportFeatures
  /** The broker as clients reach it. */
  readonly provider: QueueProvider
  readonly crew: Crew
  readonly senders: Readonly<Record<QueueName, ReplaceableSender>>
  readonly keys: Readonly<Record<QueueName, QueueKeys>>
  readonly nonceStore: NonceStore
  readonly powers: Readonly<Record<OutageName, Switch>>
  readonly traffic: Traffic
  readonly books: Books
  /** Where tests put something broken. */
  readonly botProtection: (own: Protection) => Protection
  /** Has an observer told what happens to messages, until the returned function is called. */
  readonly observe: (observer: Observer) => () => void
  readonly onTouch: (messageId: string) => void
  readonly onTaken: (copy: StoredCopy) => void
  readonly onAttacked: (attack: string, copy: StoredCopy) => void
  /** Told when an outage or the traffic was switched, and when a queue is run in another way. */
  readonly onChange: () => void
  readonly onRedriven: (queue: QueueName, letters: number) => void
  readonly refresh: (queue: QueueName) => Promise<LabCalls['mode']>
  readonly onAttackEnded: (result: LabCalls['attack']) => void
  readonly timeoutMs?: number
}

/** What the buttons do. All but the switches wait for nobody: what cannot be done now is a LabConflict. */
export interface Lab {
  readonly look: () => LabLook
  /** Whether something is switched so that clients complain. */
  readonly isUnusual: boolean
  /** How a queue is run, as the page shows it. */
  lookAt(queue: QueueName): Promise<QueueLook>
  /** Has the bots come, and deliveries flow. */
  begin(): Promise<void>
  attack(name: string): Promise<LabCalls['attack']>
  rotate(queue: QueueName): Promise<LabCalls['rotate']>
  setMode(queue: QueueName, stance: Stance): Promise<LabCalls['mode']>
  setOutage(name: OutageName, on: boolean): Promise<LabCalls['outage']>
  setTraffic(on: boolean): LabCalls['traffic']
  redrive(queue: QueueName): Promise<LabCalls['redrive']>
  /** Ends what is under way. Whoever made the parts closes them. */
  close(): Promise<void>
}

/** A receiver that keeps what is to be tried again takes a few at a time; the others wait, and must not grow old by it. */
const SMALL_CROWD = 12
const LARGE_CROWD = 100

const DEFAULT_TIMEOUT_MS = 60_000
/** The queue whose bot is given the key of another one, for the attack that shows why nobody should. */
const ELSEWHERE: QueueName = 'merge-warden'

const ORDERED =
  'Every message of this broker is of a session, and of a session it gives one message at a time: never two copies at once.'

const infoOf = (attack: Attack, needsSessions: boolean): AttackInfo => {
  const { name, number, title, description, limit, needsNoSession = false } = attack
  const unavailable = needsNoSession && needsSessions ? ORDERED : null
  return { ...{ name, number, title, description, unavailable }, isLimit: limit !== undefined }
}

export function createLab(parts: LabParts): Lab {
  const { crew, senders, keys, nonceStore, powers, traffic, books, clock, logger, provider } = parts
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = parts
  const infos = LAB_ATTACKS.map((attack) => infoOf(attack, parts.features.sessionIds === 'required'))
  const stances = perQueue((): Stance => STRICT)
  const closing = new AbortController()
  const { signal } = closing
  let busyWith: string | undefined = 'the deliveries of its start'
  let doing: Promise<unknown> = Promise.resolve()

  const outages = (): LabCalls['outage'] => ({
    broker: powers.broker.isDown,
    keys: powers.keys.isDown,
    nonces: powers.nonces.isDown,
  })

  /** One thing at a time: two at once would be seen in each other's results. */
  const alone = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    if (busyWith !== undefined) throw new LabConflict('busy', `The demo is busy with ${busyWith}.`)
    const down = Object.entries(outages()).find(([, isDown]) => isDown)
    if (down !== undefined) throw new LabConflict('outage', `First end the outage of the ${down[0]}.`)
    busyWith = what
    try {
      const work_ = work()
      doing = work_.catch(() => {})
      return await work_
    } finally {
      busyWith = undefined
    }
  }

  const receiver = (queue: QueueName, keyProvider: KeyProvider, store: NonceStore | undefined): Protection =>
    parts.botProtection(receiverProtection(keyProvider, stances[queue], store))

  const usual = (queue: QueueName): Promise<void> => crew.staff(queue, [receiver(queue, keys[queue].bot, nonceStore)])

  const tracked = (): Protection => receiver(HOME, keys[HOME].bot, nonceStore)

  /** Who comes to the attacked queue, and perhaps to another one. */
  const RECEIVERS: Readonly<Record<Receiver, () => Promise<void>>> = {
    untracked: () => crew.staff(HOME, [receiver(HOME, keys[HOME].bot, undefined)]),
    'two-consumers': () => crew.staff(HOME, [tracked(), tracked()]),
    async 'shared-key'() {
      await usual(HOME)
      const shared = sharedKeys(keys[ELSEWHERE].bot, keys[HOME].bot)
      await crew.staff(ELSEWHERE, [receiver(ELSEWHERE, shared, nonceStore)])
    },
  }

  const backToUsual = async (attack: Attack): Promise<void> => {
    if (attack.receiver === undefined) return
    await usual(HOME)
    if (attack.receiver === 'shared-key') await usual(ELSEWHERE)
  }

  const play = async (attack: Attack): Promise<LabCalls['attack']> => {
    const watching = createWatching()
    const unobserve = parts.observe(watching)
    let isEngaged = false
    try {
      return await runAttack(attack, {
        ...{ clock, traffic, books, watching, timeoutMs, signal },
        provider: parts.broker,
        crowd: parts.features.abandonDelay ? LARGE_CROWD : SMALL_CROWD,
        copies: parts.copies,
        dismiss: () => crew.staff(HOME, []),
        async engage(wanted) {
          isEngaged = true
          await (wanted === undefined ? usual(HOME) : RECEIVERS[wanted]())
        },
        rotate: () => keys[HOME].rotate(signal),
        strangeLookups: () => keys[HOME].strangeLookups,
        onTouch: parts.onTouch,
        onTaken: parts.onTaken,
        onAttacked: (copy) => parts.onAttacked(attack.name, copy),
      })
    } finally {
      unobserve()
      if (!isEngaged) await usual(HOME)
      await backToUsual(attack)
    }
  }

  /** Those that take more come first, and those that take less last, when what was sent before them was handled. */
  const changeStance = async (queue: QueueName, stance: Stance): Promise<void> => {
    const isStricter = LENIENCY[stance.mode] < LENIENCY[stances[queue].mode]
    const changeSender = (): Promise<void> => {
      const crypto = senderProtection(keys[queue].router, stance)
      return senders[queue].replace(createQueueClient({ provider, queue, clock, logger, crypto }))
    }
    const changeReceiver = async (): Promise<void> => {
      stances[queue] = stance
      await usual(queue)
    }
    if (!isStricter) {
      await changeReceiver()
      await changeSender()
      return
    }
    await changeSender()
    const sentBefore = new Set(parts.copies.lyingIn(queue).map(({ key }) => key))
    const isHandled = (): boolean => parts.copies.lyingIn(queue).every(({ key }) => !sentBefore.has(key))
    await holdsWithin(timeoutMs, signal, isHandled)
    await changeReceiver()
  }

  return {
    get isUnusual() {
      const isDown = Object.values(outages()).some(Boolean)
      return isDown || QUEUES.some((queue) => stances[queue] !== STRICT)
    },
    look: () => ({ attacks: infos, outages: outages(), traffic: traffic.isOn }),
    async lookAt(queue) {
      const [seen, list] = await Promise.all([crew.look(queue), keys[queue].list()])
      // While a client cannot ask, what was put into the queue and did not leave it still waits there.
      const depth = seen.depth ?? parts.copies.lyingIn(queue).length
      return { ...stances[queue], ...seen, depth, keys: list }
    },
    async begin() {
      await Promise.all(QUEUES.map(usual))
      traffic.turn(true)
      busyWith = undefined
      parts.onChange()
    },
    async attack(name) {
      const attack = LAB_ATTACKS.find((one) => one.name === name)
      if (attack === undefined) throw new LabConflict('unknown-attack', 'There is no such attack.')
      const { unavailable } = infos.find((info) => info.name === name) ?? { unavailable: null }
      if (unavailable !== null) throw new LabConflict('unavailable', unavailable)
      const { mode, seals } = stances[HOME]
      if (mode !== STRICT.mode || !seals) {
        throw new LabConflict(
          'mode',
          `First let ${HOME} seal and reject plaintext again: the attacks are played against that.`,
        )
      }
      const result = await alone(`the attack ${name}`, () => play(attack))
      parts.onAttackEnded(result)
      await Promise.all(QUEUES.map(parts.refresh))
      return result
    },
    async rotate(queue) {
      await alone(`a rotation of ${queue}`, () => keys[queue].rotate(signal))
      return parts.refresh(queue)
    },
    async setMode(queue, stance) {
      await alone(`the mode of ${queue}`, () => changeStance(queue, stance))
      return parts.refresh(queue)
    },
    async setOutage(name, on) {
      if (on && busyWith !== undefined) throw new LabConflict('busy', `The demo is busy with ${busyWith}.`)
      powers[name].turn(on)
      parts.onChange()
      return outages()
    },
    setTraffic(on) {
      if (busyWith?.startsWith('the deliveries')) throw new LabConflict('busy', `The demo is busy with ${busyWith}.`)
      traffic.turn(on)
      parts.onChange()
      return traffic.isOn
    },
    async redrive(queue) {
      const { redriven, skipped, failed } = await alone(`a redrive of ${queue}`, () =>
        senders[queue].client.deadLetters().redrive({ signal }),
      )
      parts.onRedriven(queue, redriven)
      await parts.refresh(queue)
      return { redriven, skipped, failed: failed.length }
    },
    async close() {
      closing.abort(new LabConflict('closing', 'The demo is ending.'))
      // What is held is given back: nobody should have to wait for a broker that is only switched off.
      for (const power of Object.values(powers)) power.turn(false)
      await doing
    },
  }
}
