import { type CallOptions, type Clock, isQueueError, type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, invalid, misconfigured, option } from '@queue-runtime/core/provider'
import type { EncryptionKey } from './encryption-key.ts'

/** The validity of a new key. */
interface KeyDates {
  readonly notBefore: Date | undefined
  readonly expiresAt: Date | undefined
}

/** The keys of a store that makes new ones. Errors are those of a KeyProvider. */
export interface KeyLayout {
  /** Null where there is no such key. */
  getKey(keyId: string, signal?: AbortSignal): Promise<EncryptionKey | null>
  /** Null where no key seals. */
  currentKeyId(signal?: AbortSignal): Promise<string | null>
  /** The ids of the keys that may open messages. */
  validKeyIds(signal?: AbortSignal): Promise<readonly string[]>
  /** Stores a key, unless it is there or somebody else stores it at the same time. Resolves with the id of the one that holds. */
  create(keyId: string | undefined, dates: KeyDates, signal?: AbortSignal): Promise<string>
  /** Makes a key that can be read the one that seals. */
  promote(keyId: string, signal?: AbortSignal): Promise<void>
  /** Has a key seal nothing from this moment on. An earlier one stays; resolves with the one that holds. */
  expire(keyId: string, at: Date, signal?: AbortSignal): Promise<Date>
}

/** What differs from store to store. */
interface RotationRules {
  readonly clock: Clock
  /** Whether the caller names new keys; else the store may. */
  readonly needsKeyId: boolean
  /** How long a new key may take until it can be read, where the caller does not say, in milliseconds. */
  readonly waitMs: number
  /** The last moment that the store can write down. Default any. */
  readonly latest?: Date
}

/** Shape of what each store documents as its `CreateKeyOptions`. */
interface NewKeyOptions
  extends CallOptions,
    Options<{ keyId: string; notBefore: Date; expiresAt: Date; waitMs: number }> {}

/** `keyId`: the key that is to seal. */
export interface PromoteKeyOptions extends CallOptions {
  readonly keyId: string
}

/** `previousKeyId`: what sealed before; undefined where nothing did, or where the key was current already. */
export interface PromotedKey {
  readonly keyId: string
  readonly previousKeyId: string | undefined
}

/**
 * - `keyId`: a key that does not seal any more
 * - `messageLifeMs`: how long a sealed message may wait to be opened, in milliseconds: retention, dead letters and schedules
 * - `graceMs`: how long a sender may not know of the new key, in milliseconds. Default 7 200 000: in an outage of the store
 *   `cachedKeyProvider` serves what it knows for one hour
 */
export interface RetireKeyOptions extends CallOptions, Options<{ graceMs: number }> {
  readonly keyId: string
  readonly messageLifeMs: number
}

/** From `expiresAt` on the key seals nothing; after `removableAt` nothing needs it any more. */
export interface RetiredKey {
  readonly keyId: string
  readonly expiresAt: Date
  readonly removableAt: Date
}

/** The three steps of a rotation. Each may be called again, and from two places at once. */
export interface KeyRotation {
  /** Stores 32 random bytes as a new key, and resolves once it can be read. It does not seal yet. */
  create(options: NewKeyOptions): Promise<{ readonly keyId: string }>
  /** Makes a key the one that seals. */
  promote(options: PromoteKeyOptions): Promise<PromotedKey>
  /** Has a key that was replaced seal nothing from `graceMs` on. */
  retire(options: RetireKeyOptions): Promise<RetiredKey>
}

const POLL_MS = 1_000
const SECOND_MS = 1_000
/** Twice what `cachedKeyProvider` serves a key for while the store is away (requirements, X16). */
const GRACE_MS = 7_200_000

const keyId = option.text(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'a key id')
const duration = option.wholeNumber(0)

const momentUntil = (latest: Date) =>
  option.that(
    `a valid Date before ${latest.toISOString().slice(0, 10)}`,
    (value) => value instanceof Date && value.getTime() >= 0 && value <= latest,
  )

/**
 * Returns how the keys of a store are rotated.
 *
 * @throws Configuration, Validation: an option · KeyNotFound, KeyDisabled, KeyExpired, KeyNotYetValid: the key ·
 * KeyProviderError: the store, or a new key that cannot be read in time
 * @example
 * const { create, promote } = keyRotation(layout, { clock: systemClock, needsKeyId: true, waitMs: 60_000 })
 */
export function keyRotation(
  layout: KeyLayout,
  { clock, needsKeyId, waitMs: usualMs, latest }: RotationRules,
): KeyRotation {
  const moment = latest === undefined ? option.date : momentUntil(latest)

  const isReadable = async (id: string, signal?: AbortSignal): Promise<boolean> => {
    const key = await layout.getKey(id, signal).catch((error: unknown) => {
      // A version that was just enabled may be served as it was before.
      if (isQueueError(error, 'KeyDisabled')) return null
      throw error
    })
    key?.dispose()
    return key !== null && (await layout.validKeyIds(signal)).includes(id)
  }

  const untilReadable = async (id: string, waitMs: number, signal?: AbortSignal): Promise<void> => {
    const end = clock.now() + waitMs
    while (!(await isReadable(id, signal))) {
      if (clock.now() >= end) {
        const text = `The key ${id} could not be read within ${waitMs} ms.`
        throw new QueueError('KeyProviderError', text, { operation: 'create-key' })
      }
      await clock.sleep(POLL_MS, signal)
    }
  }

  /** The facts of a key, its bytes let go. */
  const read = async (id: string, signal?: AbortSignal): Promise<EncryptionKey> => {
    const key = await layout.getKey(id, signal)
    if (key === null) throw new QueueError('KeyNotFound', `There is no key ${id}.`, { facts: { keyId: id } })
    key.dispose()
    return key
  }

  return {
    async create(options) {
      const checks = { keyId, notBefore: moment, expiresAt: moment, waitMs: duration, signal: option.signal }
      checkOptions(options, checks, needsKeyId ? ['keyId'] : [])
      const { notBefore, expiresAt, waitMs = usualMs, signal } = options
      if (notBefore && expiresAt && expiresAt <= notBefore) throw misconfigured('expiresAt', 'must be after notBefore.')
      const id = await layout.create(options.keyId, { notBefore, expiresAt }, signal)
      await untilReadable(id, waitMs, signal)
      return { keyId: id }
    },
    async promote(options) {
      checkOptions(options, { keyId, signal: option.signal }, ['keyId'])
      const { keyId: id, signal } = options
      const { notBefore, expiresAt } = await read(id, signal)
      const now = clock.now()
      if (expiresAt && expiresAt.getTime() <= now) throw new QueueError('KeyExpired', `The key ${id} has expired.`)
      if (notBefore && notBefore.getTime() > now) {
        throw new QueueError('KeyNotYetValid', `The key ${id} is not valid yet.`)
      }
      const before = await layout.currentKeyId(signal)
      await layout.promote(id, signal)
      return { keyId: id, previousKeyId: before === null || before === id ? undefined : before }
    },
    async retire(options) {
      const checks = { keyId, messageLifeMs: duration, graceMs: duration, signal: option.signal }
      checkOptions(options, checks, ['keyId', 'messageLifeMs'])
      const { keyId: id, messageLifeMs, graceMs = GRACE_MS, signal } = options
      await read(id, signal)
      if ((await layout.currentKeyId(signal)) === id) {
        throw invalid('keyId', 'invalid-format', 'names the current key; promote another one first.')
      }
      // Stores count whole seconds.
      const atMs = Math.ceil((clock.now() + graceMs) / SECOND_MS) * SECOND_MS
      const at = new Date(Math.min(atMs, latest?.getTime() ?? Number.POSITIVE_INFINITY))
      const expiresAt = await layout.expire(id, at, signal)
      return { keyId: id, expiresAt, removableAt: new Date(expiresAt.getTime() + messageLifeMs) }
    },
  }
}
