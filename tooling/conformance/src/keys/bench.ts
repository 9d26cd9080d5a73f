import assert from 'node:assert/strict'
import type { Options } from '@queue-runtime/core'
import { aesGcmCryptoProvider, EncryptionKey, type KeyProvider, multiKeyProvider } from '@queue-runtime/crypto'
import type { Time } from '../kit/time.ts'

/** What a store may know of a key beside its bytes, in whole seconds. */
export interface KeyDates extends Options<{ createdAt: Date; notBefore: Date; expiresAt: Date }> {}

/**
 * A key provider, and the hand of an operator on its store. What he cannot do there is left out: the subject lacks the feature
 * of that name. No method returns before what it does can be seen by the provider, `refreshMs` apart.
 */
export interface KeySetup
  extends Options<{
    /** Where the store makes the ids of keys: the ones under which it has, or can be given, those of the cases. */
    keyIds: readonly [first: string, second: string, third: string]
    /** The id under which the store keeps the id of the current key, where that may look like one of a key. */
    pointerId: string
    /** Stores bytes under an id: those of a key, or of what is none. */
    put(keyId: string, bytes: Uint8Array, dates?: KeyDates): Promise<void>
    setCurrent(keyId: string): Promise<void>
    remove(keyId: string): Promise<void>
    disable(keyId: string): Promise<void>
    /** From now on the store cannot be reached. */
    cut(): Promise<void>
    /** From now on the store refuses the identity of the provider. */
    deny(): Promise<void>
    /** From now on the store does not answer. */
    stall(): Promise<void>
    /** How often the store was asked anything so far. */
    calls(): number
  }> {
  readonly provider: KeyProvider
  readonly time: Time
  /** For so long the provider may not know of a change, in milliseconds. */
  readonly refreshMs: number
  /** Ends what `cut`, `deny` and `stall` began. */
  heal(): Promise<void>
  close(): Promise<void>
}

/** The keys of the cases. A store has the first from the beginning, as the current one, and may hold others. */
export const KEY_IDS = ['kit-1', 'kit-2', 'kit-3'] as const

/** The key that is there from the beginning, as the current one. */
export const firstId = ({ keyIds: [id] = KEY_IDS }: KeySetup): string => id

/** A key that may be put there. */
export const secondId = ({ keyIds: [, id] = KEY_IDS }: KeySetup): string => id

/** Spelled as the others are, and nowhere. */
export const absentId = (setup: KeySetup): string => firstId(setup).replace(/.$/, '9')

/** The bytes of a key of the cases. */
export const keyBytes = (keyId: string): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => (index * 7 + keyId.charCodeAt(keyId.length - 1)) % 256)

/** Bytes that a store may hold, and that are no key of AES-256: one too few, nothing of any key. */
export const NO_KEY: Uint8Array = Uint8Array.from({ length: 31 }, (_, index) => (200 + index * 11) % 256)

/** Lets the provider see what changed. */
export const refreshed = ({ time, refreshMs }: KeySetup): Promise<void> =>
  refreshMs === 0 ? Promise.resolve() : time.advance(refreshMs)

/** Does what an operator of the store can do, which the case says that it needs. */
export async function operate<K extends 'put' | 'setCurrent' | 'remove' | 'disable' | 'cut' | 'deny' | 'stall'>(
  setup: KeySetup,
  what: K,
  ...parameters: Parameters<NonNullable<KeySetup[K]>>
): Promise<void> {
  const act = setup[what] as ((...given: readonly unknown[]) => Promise<void>) | undefined
  assert.ok(act, `${what} is needed`)
  await act(...parameters)
}

const CONTEXT = new TextEncoder().encode('conformance')

/** Asserts that a provider gives a key of the cases: what one seals the other opens. */
export async function assertKey(provider: KeyProvider, keyId: string): Promise<void> {
  const key = await provider.getKey(keyId)
  assert.ok(key, `the key ${keyId} should be there`)
  assert.equal(key.id, keyId)
  const given = aesGcmCryptoProvider({ getKey: async () => key, currentKeyId: async () => keyId })
  const expected = aesGcmCryptoProvider(multiKeyProvider({ keys: [EncryptionKey.fromBytes(keyId, keyBytes(keyId))] }))
  const plaintext = Uint8Array.of(1, 2, 3)
  const opened = await given.decrypt(await expected.encrypt(keyId, plaintext, CONTEXT), CONTEXT)
  assert.deepEqual([...opened], [...plaintext])
  await expected.decrypt(await given.encrypt(keyId, plaintext, CONTEXT), CONTEXT)
}
