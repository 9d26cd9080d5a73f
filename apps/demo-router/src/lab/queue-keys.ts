import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Logger } from '@queue-runtime/core'
import { cachedKeyProvider, EncryptionKey, type KeyProvider } from '@queue-runtime/crypto'
import type { QueueStatus } from '../dashboard/events.ts'

/** The keys of one queue as its two ends reach them, and what an operator does with them. */
export interface QueueKeys {
  /** What the router seals with. */
  readonly router: KeyProvider
  /** What the bot opens with: an object of its own, that learns of a new key from the store alone. */
  readonly bot: KeyProvider
  /** How often the store was asked because of ids that the bot does not know. */
  readonly strangeLookups: number
  /** Makes a new key, waits until bot and router can read it, makes it current, and waits until the router seals with it. */
  rotate(signal: AbortSignal): Promise<string>
  /** Newest first. */
  list(): Promise<QueueStatus['keys']>
  close(): Promise<void>
}

/** A store of the keys of one queue, to which keys can be added. */
export interface KeyShelf extends KeyProvider {
  validKeyIds(): Promise<readonly string[]>
  create(): Promise<string>
  promote(keyId: string): Promise<void>
}

interface Shelved {
  readonly bytes: Uint8Array
  readonly createdAt: Date
}

/** Returns a key store in memory with one key; `name` begins the id of each. As the stores of clouds it makes a key per call. */
export function memoryKeyShelf(name: string): KeyShelf {
  const shelf = new Map<string, Shelved>()
  let current = ''
  const create = async (): Promise<string> => {
    const id = shelf.size === 0 ? name : `${name}-${shelf.size + 1}`
    shelf.set(id, { bytes: randomBytes(32), createdAt: new Date() })
    return id
  }
  const first = create().then((id) => {
    current = id
  })
  return {
    async getKey(keyId) {
      await first
      const found = shelf.get(keyId)
      return found === undefined ? null : EncryptionKey.fromBytes(keyId, found.bytes, { createdAt: found.createdAt })
    },
    async currentKeyId() {
      await first
      return current
    },
    validKeyIds: async () => [...shelf.keys()],
    create,
    async promote(keyId) {
      current = keyId
    },
  }
}

/** The router bridges an outage of the store with what it knows, as services do, and notices a rotation at once. */
const ROUTER_CACHE = { currentKeyTtlMs: 1_000 } as const
/** The bots do not, or nobody would have the patience to see them pause: by default they go on for an hour. */
const BOT_CACHE = { ttlMs: 1_000, refreshAheadMs: 200, maxStaleMs: 1_500 } as const

const LOOK_EVERY_MS = 50

export interface QueueKeysOptions {
  readonly shelf: KeyShelf
  /** What router and bot reach the store through. */
  readonly reached: (store: KeyProvider) => KeyProvider
  readonly clock: Clock
  readonly logger: Logger
}

export function createQueueKeys({ shelf, reached, clock, logger }: QueueKeysOptions): QueueKeys {
  let strangeLookups = 0
  const known = new Set<string>()

  const counted: KeyProvider = {
    async getKey(keyId, options) {
      if (!known.has(keyId)) strangeLookups += 1
      return shelf.getKey(keyId, options)
    },
    currentKeyId: (options) => shelf.currentKeyId(options),
    async validKeyIds() {
      strangeLookups += 1
      const ids = await shelf.validKeyIds()
      for (const id of ids) known.add(id)
      return ids
    },
  }
  const router = cachedKeyProvider(reached(shelf), { ...ROUTER_CACHE, clock, logger })
  const bot = cachedKeyProvider(reached(counted), { ...BOT_CACHE, clock, logger })

  /** A key is made once: its store need not be asked each second when. */
  const moments = new Map<string, number>()
  const createdAtOf = async (id: string): Promise<number | null> => {
    const key = moments.has(id) ? null : await shelf.getKey(id)
    if (key?.createdAt !== undefined) moments.set(id, key.createdAt.getTime())
    key?.dispose()
    return moments.get(id) ?? null
  }

  const until = async (holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> => {
    while (!(await holds())) await delay(LOOK_EVERY_MS, undefined, { signal })
  }

  return {
    router,
    bot,
    get strangeLookups() {
      return strangeLookups
    },
    async rotate(signal) {
      const id = await shelf.create()
      // Whoever seals must have it as well as those who open, before any of them is told to.
      for (const party of [bot, router]) await until(async () => (await party.getKey(id)) !== null, signal)
      await shelf.promote(id)
      await until(async () => (await router.currentKeyId()) === id, signal)
      return id
    },
    async list() {
      const [ids, current] = await Promise.all([shelf.validKeyIds(), shelf.currentKeyId()])
      const keys = await Promise.all(
        ids.map(async (id) => ({ id, createdAt: await createdAtOf(id), isCurrent: id === current })),
      )
      return keys.reverse().sort((one, other) => (other.createdAt ?? 0) - (one.createdAt ?? 0))
    },
    async close() {
      await Promise.all([router.close(), bot.close()])
    },
  }
}
