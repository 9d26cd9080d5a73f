import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueueError } from '@queue-runtime/core'
import { abortable } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import {
  cachedKeyProvider,
  EncryptionKey,
  envKeyProvider,
  fileKeyProvider,
  type KeyProvider,
  multiKeyProvider,
} from '@queue-runtime/crypto'
import {
  injectedTime,
  KEY_IDS,
  type KeyDates,
  type KeyFeature,
  type KeySetup,
  keyBytes,
  type Subject,
} from '../src/index.ts'

type KeySubject = Subject<KeySetup, KeyFeature>

const [FIRST, SECOND] = KEY_IDS
const START = Date.UTC(2026, 0, 1)
const done = async (): Promise<void> => {}

interface Secret {
  readonly bytes: Uint8Array
  readonly dates: KeyDates
  isDisabled: boolean
}

/** A key store as a cloud has it: it can do, and fail at, all that the kit asks for. */
const setUpStore = (): KeySetup => {
  const secrets = new Map<string, Secret>([[FIRST, { bytes: keyBytes(FIRST), dates: {}, isDisabled: false }]])
  let current: string = FIRST
  let asked = 0
  let trouble: 'none' | 'down' | 'denied' | 'stalled' = 'none'

  const ask = async <T>(signal: AbortSignal | undefined, answer: () => T): Promise<T> => {
    asked += 1
    if (trouble === 'stalled') return abortable(new Promise<never>(() => {}), signal ?? new AbortController().signal)
    if (trouble !== 'none') throw new QueueError('KeyProviderError', `The store is ${trouble}.`)
    return answer()
  }
  const become = (next: typeof trouble) => async (): Promise<void> => {
    trouble = next
  }

  const provider: KeyProvider = {
    async getKey(keyId, { signal } = {}) {
      if (!/^[0-9A-Za-z][0-9A-Za-z._:-]{0,127}$/.test(keyId)) return null
      const secret = await ask(signal, () => secrets.get(keyId))
      if (secret === undefined) return null
      if (secret.isDisabled) throw new QueueError('KeyDisabled', `The key ${keyId} is disabled.`)
      return EncryptionKey.fromBytes(keyId, secret.bytes, secret.dates)
    },
    currentKeyId: async ({ signal } = {}) => ask(signal, () => current),
    validKeyIds: async ({ signal } = {}) => ask(signal, () => [...secrets.keys()]),
  }
  return {
    provider,
    time: injectedTime(fakeClock(START)),
    refreshMs: 0,
    pointerId: 'current',
    async put(keyId, bytes, dates = {}) {
      secrets.set(keyId, { bytes, dates, isDisabled: false })
    },
    async setCurrent(keyId) {
      current = keyId
    },
    async remove(keyId) {
      secrets.delete(keyId)
    },
    async disable(keyId) {
      const secret = secrets.get(keyId)
      if (secret !== undefined) secret.isDisabled = true
    },
    cut: become('down'),
    deny: become('denied'),
    stall: become('stalled'),
    heal: become('none'),
    calls: () => asked,
    close: done,
  }
}

/** Proves the cases: no other subject can do everything. */
export const store: KeySubject = {
  name: 'a key store',
  features: {
    ...{ list: true, ownKeys: true, malformed: true, dates: true, pointerId: true, put: true, setCurrent: true },
    ...{ remove: true, disable: true, cut: true, deny: true, stall: true, calls: true },
  },
  setUp: setUpStore,
}

const IN_MEMORY = 'the keys lie in this process'

export const multi: KeySubject = {
  name: 'multiKeyProvider',
  features: {
    ...{ list: true, put: true, setCurrent: true, remove: true },
    ownKeys: 'its keys belong to whoever made them',
    malformed: 'it takes nothing but keys',
    dates: true,
    pointerId: 'the current id is no entry among the keys',
    disable: 'a key that is not wanted is removed',
    cut: IN_MEMORY,
    deny: IN_MEMORY,
    stall: IN_MEMORY,
    calls: IN_MEMORY,
  },
  setUp() {
    const provider = multiKeyProvider({ keys: [EncryptionKey.fromBytes(FIRST, keyBytes(FIRST))] })
    return {
      provider,
      time: injectedTime(fakeClock(START)),
      refreshMs: 0,
      put: async (keyId, bytes, dates) => provider.add(EncryptionKey.fromBytes(keyId, bytes, dates)),
      setCurrent: async (keyId) => provider.setCurrent(keyId),
      remove: async (keyId) => void provider.remove(keyId),
      heal: done,
      close: done,
    }
  },
}

const CONFIGURED = 'which keys there are, and which is current, is a matter of configuration'
const ALWAYS_THERE = 'the environment of a process is always there'

export const environment: KeySubject = {
  name: 'envKeyProvider',
  features: {
    ...{ list: true, ownKeys: true, malformed: true, put: true },
    dates: 'a variable holds a key and nothing else',
    pointerId: CONFIGURED,
    setCurrent: CONFIGURED,
    remove: CONFIGURED,
    disable: CONFIGURED,
    cut: ALWAYS_THERE,
    deny: ALWAYS_THERE,
    stall: ALWAYS_THERE,
    calls: ALWAYS_THERE,
  },
  setUp() {
    const variables: Readonly<Record<string, string>> = { [FIRST]: 'FIRST_KEY', [SECOND]: 'SECOND_KEY' }
    const env: Record<string, string> = {}
    const put = async (keyId: string, bytes: Uint8Array): Promise<void> => {
      env[variables[keyId] ?? 'NONE'] = Buffer.from(bytes).toString('base64')
    }
    void put(FIRST, keyBytes(FIRST))
    void put(SECOND, keyBytes(SECOND))
    return {
      provider: envKeyProvider({ variables, current: FIRST, env }),
      time: injectedTime(fakeClock(START)),
      refreshMs: 0,
      put,
      heal: done,
      close: done,
    }
  },
}

const READ_AT_ONCE = 'a file is read at once'

export const files: KeySubject = {
  name: 'fileKeyProvider',
  features: {
    ...{ list: true, ownKeys: true, malformed: true, put: true, setCurrent: true, remove: true, pointerId: true },
    ...{ cut: true, deny: true },
    dates: 'a file holds a key and nothing else',
    disable: 'a key that is not wanted is removed',
    stall: READ_AT_ONCE,
    calls: READ_AT_ONCE,
  },
  async setUp() {
    const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
    const directory = join(folder, 'keys')
    const aside = join(folder, 'aside')
    await mkdir(directory)
    const put = (keyId: string, bytes: Uint8Array): Promise<void> => writeFile(join(directory, keyId), bytes)
    const setCurrent = (keyId: string): Promise<void> => writeFile(join(directory, 'current'), `${keyId}\n`)
    await put(FIRST, keyBytes(FIRST))
    await setCurrent(FIRST)
    return {
      provider: fileKeyProvider({ directory }),
      time: injectedTime(fakeClock(START)),
      refreshMs: 0,
      pointerId: 'current',
      put,
      setCurrent,
      remove: (keyId) => rm(join(directory, keyId)),
      cut: () => rename(directory, aside),
      // Root may read whatever its mode is; nobody follows a link to itself.
      async deny() {
        await rename(directory, aside)
        await symlink(directory, directory)
      },
      async heal() {
        await rm(directory, { force: true })
        await rename(aside, directory)
      },
      close: () => rm(folder, { recursive: true }),
    }
  },
}

/** A cache in front of another provider. */
export const cached = (source: KeySubject): KeySubject => ({
  name: `cachedKeyProvider over ${source.name}`,
  features: { ...source.features, ownKeys: 'its keys are its own: it disposes them when it drops them' },
  async setUp() {
    const setup = await source.setUp()
    const provider = cachedKeyProvider(setup.provider, { clock: setup.time.clock, logger: false })
    return {
      ...setup,
      provider,
      // The longest of its times: that of a key.
      refreshMs: 300_000,
      async close() {
        await provider.close()
        await setup.close()
      },
    }
  },
})
