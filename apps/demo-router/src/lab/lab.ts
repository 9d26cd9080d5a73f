import type { TransportFeatures } from '@queue-runtime/core/provider'
import { LAB_ATTACKS } from '../attacks/all.ts'
import type { Attack } from '../attacks/attack.ts'
import type { StoredCopy } from '../broker/copies.ts'
import type { WatchedProvider } from '../broker/watched-provider.ts'
import type { SkippingClock } from '../clock.ts'
import type { LabLook, QueueLook } from '../dashboard/dashboard.ts'
import type { AttackInfo, LabCalls, OutageName } from '../dashboard/events.ts'
import type { Observer } from '../demo/observer.ts'
import { QUEUES, type QueueName } from '../github/routes.ts'
import { STRICT, type Stance } from '../protections.ts'
import { HOME, runAttack } from './attack-run.ts'
import type { Books } from './books.ts'
import { LabConflict } from './conflict.ts'
import { createStaffing, type StaffingParts } from './staffing.ts'
import type { Switch } from './switches.ts'
import type { Traffic } from './traffic.ts'
import { createWatching } from './watching.ts'

export interface LabParts extends StaffingParts {
  readonly clock: SkippingClock
  /** The broker as an attacker reaches it; `provider` is what clients reach. */
  readonly broker: WatchedProvider
  readonly features: TransportFeatures
  readonly powers: Readonly<Record<OutageName, Switch>>
  readonly traffic: Traffic
  readonly books: Books
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
const isStrict = ({ mode, seals }: Stance): boolean => mode === STRICT.mode && seals === STRICT.seals

const ORDERED =
  'Every message of this broker is of a session, and of a session it gives one message at a time: never two copies at once.'

const infoOf = (attack: Attack, needsSessions: boolean): AttackInfo => {
  const { name, number, title, description, limit, needsNoSession = false } = attack
  const unavailable = needsNoSession && needsSessions ? ORDERED : null
  return { ...{ name, number, title, description, unavailable }, isLimit: limit !== undefined }
}

export function createLab(parts: LabParts): Lab {
  const { crew, senders, keys, powers, traffic, books, clock } = parts
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = parts
  const infos = LAB_ATTACKS.map((attack) => infoOf(attack, parts.features.sessionIds === 'required'))
  const staffing = createStaffing(parts)
  const closing = new AbortController()
  const { signal } = closing
  let hasBegun = false
  let busyWith: string | undefined = 'the deliveries of its start'
  let doing: Promise<unknown> = Promise.resolve()

  const outages = (): LabCalls['outage'] => ({
    broker: powers.broker.isDown,
    keys: powers.keys.isDown,
    nonces: powers.nonces.isDown,
  })

  const busy = (): LabConflict => new LabConflict('busy', `The demo is busy with ${busyWith}.`)

  /** One thing at a time: two at once would be seen in each other's results. */
  const alone = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    if (busyWith !== undefined) throw busy()
    const down = Object.entries(outages()).find(([, isDown]) => isDown)
    if (down !== undefined) throw new LabConflict('outage', `First end the outage of the ${down[0]}.`)
    busyWith = what
    try {
      const result = work()
      doing = result.catch(() => {})
      return await result
    } finally {
      busyWith = undefined
    }
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
          await staffing.engage(wanted)
        },
        rotate: () => keys[HOME].rotate(signal),
        strangeLookups: () => keys[HOME].strangeLookups,
        onTouch: parts.onTouch,
        onTaken: parts.onTaken,
        onAttacked: (copy) => parts.onAttacked(attack.name, copy),
      })
    } finally {
      unobserve()
      if (isEngaged) await staffing.disengage(attack.receiver)
      else await staffing.usual(HOME)
    }
  }

  return {
    get isUnusual() {
      const isDown = Object.values(outages()).some(Boolean)
      return isDown || QUEUES.some((queue) => !isStrict(staffing.stanceOf(queue)))
    },
    look: () => ({ attacks: infos, outages: outages(), traffic: traffic.isOn }),
    async lookAt(queue) {
      const [seen, list] = await Promise.all([crew.look(queue), keys[queue].list()])
      // While a client cannot ask, what was put into the queue and did not leave it still waits there.
      const depth = seen.depth ?? parts.copies.lyingIn(queue).length
      return { ...staffing.stanceOf(queue), ...seen, depth, keys: list }
    },
    async begin() {
      await Promise.all(QUEUES.map(staffing.usual))
      traffic.turn(true)
      hasBegun = true
      busyWith = undefined
      parts.onChange()
    },
    async attack(name) {
      const attack = LAB_ATTACKS.find((one) => one.name === name)
      if (attack === undefined) throw new LabConflict('unknown-attack', 'There is no such attack.')
      const { unavailable } = infos.find((info) => info.name === name) ?? { unavailable: null }
      if (unavailable !== null) throw new LabConflict('unavailable', unavailable)
      if (!isStrict(staffing.stanceOf(HOME))) {
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
      await alone(`the mode of ${queue}`, () => staffing.change(queue, stance, { timeoutMs, signal }))
      return parts.refresh(queue)
    },
    async setOutage(name, on) {
      if (on && busyWith !== undefined) throw busy()
      powers[name].turn(on)
      parts.onChange()
      return outages()
    },
    setTraffic(on) {
      if (!hasBegun) throw busy()
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
