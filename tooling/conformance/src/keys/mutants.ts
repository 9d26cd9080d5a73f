import { isQueueError, QueueError } from '@queue-runtime/core'
import { EncryptionKey, type KeyProvider } from '@queue-runtime/crypto'
import { KEY_IDS, type KeySetup, keyBytes, NO_KEY } from './bench.ts'
import type { KeyMutant } from './mutant.ts'

type Fault = (setup: KeySetup) => KeySetup

const OTHER_BYTES = Uint8Array.from({ length: 32 }, (_, index) => 255 - index)

/** Replaces some methods of a sound provider. */
const changing =
  (change: (sound: KeyProvider, setup: KeySetup) => Partial<KeyProvider>): Fault =>
  (setup) => ({ ...setup, provider: { ...setup.provider, ...change(setup.provider, setup) } })

const getting = (change: (get: KeyProvider['getKey'], sound: KeyProvider) => KeyProvider['getKey']): Fault =>
  changing((sound) => ({ getKey: change(sound.getKey.bind(sound), sound) }))

/** Makes something else of an error. */
const answering = (code: 'KeyProviderError' | 'InvalidKeyLength' | 'KeyDisabled', answer: Answer): Fault =>
  getting((get) => async (keyId, options) => {
    try {
      return await get(keyId, options)
    } catch (error) {
      if (isQueueError(error, code)) return answer(keyId, error)
      throw error
    }
  })

type Answer = (keyId: string, error: unknown) => EncryptionKey | null

const absent: Answer = () => null

const outage: Answer = () => {
  throw new QueueError('KeyProviderError', 'The store failed.')
}

/** Does something else in an outage. */
const inAnOutage = (change: (sound: KeyProvider) => Partial<KeyProvider>): Fault =>
  changing((sound) => {
    const other = change(sound)
    const guard =
      <A extends readonly unknown[], T>(call: (...given: A) => Promise<T>, instead?: (...given: A) => Promise<T>) =>
      async (...given: A): Promise<T> =>
        call(...given).catch((error: unknown) => {
          if (instead === undefined || !isQueueError(error, 'KeyProviderError')) throw error
          return instead(...given)
        })
    return {
      getKey: guard(sound.getKey, other.getKey),
      currentKeyId: guard(sound.currentKeyId, other.currentKeyId),
      ...(sound.validKeyIds && { validKeyIds: guard(sound.validKeyIds, other.validKeyIds) }),
    }
  })

const permanently = async (): Promise<never> => {
  throw new QueueError('Configuration', 'The store failed.', { facts: { field: 'vaultUrl' } })
}

const listing = (change: (ids: readonly string[], setup: KeySetup) => readonly string[]): Fault =>
  changing(({ validKeyIds }, setup) =>
    validKeyIds === undefined ? {} : { validKeyIds: async (options) => change(await validKeyIds(options), setup) },
  )

/** Knows whether the operator has denied access. */
const deniedAsAbsent: Fault = (setup) => {
  let isDenied = false
  const { deny, heal, provider } = setup
  return {
    ...setup,
    async deny() {
      isDenied = true
      await deny?.()
    },
    async heal() {
      isDenied = false
      await heal()
    },
    provider: { ...provider, getKey: async (keyId, options) => (isDenied ? null : provider.getKey(keyId, options)) },
  }
}

/** Fails once, and then for ever. */
const stayingDown = changing((sound) => {
  let failure: unknown
  const orFail = async <T>(call: () => Promise<T>): Promise<T> => {
    if (failure !== undefined) throw failure
    return call().catch((error: unknown) => {
      if (isQueueError(error, 'KeyProviderError')) failure = error
      throw error
    })
  }
  return {
    getKey: (keyId, options) => orFail(() => sound.getKey(keyId, options)),
    currentKeyId: (options) => orFail(() => sound.currentKeyId(options)),
  }
})

/** Reads all keys when it is asked for one. */
const readingAll = getting((get, sound) => async (keyId, options) => {
  for (const id of (await sound.validKeyIds?.(options)) ?? KEY_IDS) await get(id, options)
  return get(keyId, options)
})

const keeping = getting((get) => {
  const kept = new Map<string, EncryptionKey>()
  return async (keyId, options) => {
    const key = kept.get(keyId) ?? (await get(keyId, options))
    if (key !== null) kept.set(keyId, key)
    return key
  }
})

const sticking = changing((sound) => {
  let current: string | undefined
  return {
    async currentKeyId(options) {
      current ??= await sound.currentKeyId(options)
      return current
    },
  }
})

const anyKey = (keyId: string): EncryptionKey => EncryptionKey.fromBytes(keyId, OTHER_BYTES)

export const keyMutants: Readonly<Record<KeyMutant, Fault>> = {
  'gives any key': getting((get) => async (keyId, options) => (await get(keyId, options)) && anyKey(keyId)),
  'gives another id': getting(
    (get) => async (keyId, options) =>
      (await get(keyId, options)) && EncryptionKey.fromBytes(`${keyId}-1`, keyBytes(keyId)),
  ),
  'makes up keys': getting((get) => async (keyId, options) => {
    if (!/^[\w.:-]+$/.test(keyId)) return null
    return (await get(keyId, options)) ?? anyKey(keyId)
  }),
  'throws for absent keys': getting((get) => async (keyId, options) => {
    const key = await get(keyId, options)
    if (key === null) throw new QueueError('KeyNotFound', 'There is no such key.', { facts: { keyId } })
    return key
  }),
  'finds other secrets': getting((get) => (keyId, options) => get(keyId.split('/').at(-1)?.trim() ?? '', options)),
  'asks the store for any id': getting((get) => async (keyId, options) => {
    await get(KEY_IDS[0], options)
    return get(keyId, options)
  }),
  'takes the pointer for a key': changing((sound, { pointerId }) => ({
    getKey: async (keyId, options) => (keyId === pointerId ? anyKey(keyId) : sound.getKey(keyId, options)),
  })),
  'names a key that is not there': changing(() => ({ currentKeyId: async () => 'kit-9' })),
  'lists without the current key': listing((ids) => ids.slice(0, -1)),
  'lists what is no key': listing((ids, { pointerId = 'kit-9' }) => [...ids, pointerId]),
  'shares its keys': keeping,
  'takes denied for absent': deniedAsAbsent,
  'takes an outage for absent': answering('KeyProviderError', absent),
  'calls an outage permanent': inAnOutage(() => ({ getKey: permanently })),
  'lists nothing in an outage': inAnOutage(() => ({ validKeyIds: async () => [] })),
  'names any key in an outage': inAnOutage(() => ({ currentKeyId: async () => KEY_IDS[0] })),
  'stays down': stayingDown,
  'takes a malformed key for an outage': answering('InvalidKeyLength', outage),
  'takes a malformed key for absent': answering('InvalidKeyLength', absent),
  'fills malformed keys up': answering('InvalidKeyLength', anyKey),
  'quotes what is no key': answering('InvalidKeyLength', (keyId) => {
    throw new QueueError('InvalidKeyLength', `${keyId} is ${Buffer.from(NO_KEY).toString('base64')}, which is no key.`)
  }),
  'fails for all because of one': readingAll,
  'serves disabled keys': answering('KeyDisabled', anyKey),
  'takes a disabled key for an outage': answering('KeyDisabled', outage),
  'takes a disabled key for absent': answering('KeyDisabled', absent),
  'sticks to the first current key': sticking,
  'forgets old keys': getting((get, sound) => async (keyId, options) => {
    const current = await sound.currentKeyId(options)
    return keyId < current ? null : get(keyId, options)
  }),
  'keeps removed keys': keeping,
  'hears no abort': changing((sound) => ({
    getKey: (keyId) => sound.getKey(keyId),
    currentKeyId: () => sound.currentKeyId(),
  })),
  'has a reason of its own': getting(
    (get) => (keyId, options) =>
      get(keyId, options).catch((error: unknown) => {
        throw options?.signal?.aborted ? new Error('The operation was aborted.') : error
      }),
  ),
  'shows its keys': (setup) => {
    const keys = { [KEY_IDS[0]]: Buffer.from(keyBytes(KEY_IDS[0])).toString('base64') }
    return { ...setup, provider: Object.assign({ keys }, setup.provider) }
  },
  'drops the dates of keys': getting(
    (get) => async (keyId, options) => (await get(keyId, options)) && EncryptionKey.fromBytes(keyId, keyBytes(keyId)),
  ),
}
