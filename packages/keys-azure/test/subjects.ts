import {
  KEY_IDS,
  type KeyDates,
  type KeyFeature,
  type KeySetup,
  keyBytes,
  realTime,
  type Subject,
} from '@queue-runtime/conformance'
import { denied, type KeyVault, startKeyVault } from '@queue-runtime/key-vault-emulator'
import { type KeyVaultKeyOptions, keyVaultKeyProvider } from '@queue-runtime/keys-azure'
import { clientOf } from './support.ts'

type KeySubject = Subject<KeySetup, KeyFeature>

/** What a layout does with the store. */
interface Layout {
  readonly options: KeyVaultKeyOptions
  readonly keyIds: readonly [string, string, string]
  readonly pointerId?: string
  put(vault: KeyVault, keyId: string, value: string, dates: KeyDates): void
  setCurrent(vault: KeyVault, keyId: string): void
  remove?(vault: KeyVault, keyId: string): void
  /** The version that is a key. */
  place(keyId: string): { readonly name: string; readonly version?: string }
}

const POINTER = 'current-encryption-key'
const NAME = 'kit'

const attributesOf = ({ createdAt, notBefore, expiresAt }: KeyDates) => {
  const [created, nbf, exp] = [createdAt, notBefore, expiresAt].map((date) => date && date.getTime() / 1_000)
  return { created, nbf, exp }
}

const secretPerKey: Layout = {
  options: {},
  keyIds: KEY_IDS,
  pointerId: POINTER,
  put({ vault }, keyId, value, dates) {
    vault.put(keyId, { value, tags: { 'queue-runtime-key': keyId }, attributes: attributesOf(dates) })
  },
  setCurrent: ({ vault }, keyId) => void vault.put(POINTER, { value: keyId }),
  remove: ({ vault }, keyId) => vault.purge(keyId),
  place: (name) => ({ name }),
}

const versionNamed = (digit: number): string => `${NAME}:${String(digit).padStart(32, '0')}`
const versionIn = (keyId: string): string => keyId.slice(NAME.length + 1)

const versions: Layout = {
  options: { secret: NAME },
  keyIds: [versionNamed(1), versionNamed(2), versionNamed(3)],
  put({ vault }, keyId, value, dates) {
    const tags = { 'queue-runtime-state': 'pending' }
    vault.put(NAME, { version: versionIn(keyId), value, tags, attributes: attributesOf(dates) })
  },
  setCurrent({ vault }, keyId) {
    const version = vault.find(NAME)?.versions.find((one) => one.version === versionIn(keyId))
    if (version !== undefined) vault.change(version, { tags: {}, attributes: {} })
  },
  place: (keyId) => ({ name: NAME, version: versionIn(keyId) }),
}

const setUp = (layout: Layout) => async (): Promise<KeySetup> => {
  const server = await startKeyVault({ tls: ['localhost'], pageSize: 2 })
  const [first] = layout.keyIds
  const put = async (keyId: string, bytes: Uint8Array, dates: KeyDates = {}): Promise<void> =>
    layout.put(server, keyId, Buffer.from(bytes).toString('base64'), dates)
  await put(first, keyBytes(first))
  layout.setCurrent(server, first)
  const { remove } = layout
  return {
    provider: keyVaultKeyProvider({ ...layout.options, client: clientOf(server) }),
    time: realTime(),
    refreshMs: 0,
    keyIds: layout.keyIds,
    ...(layout.pointerId !== undefined && { pointerId: layout.pointerId }),
    put,
    setCurrent: async (keyId) => layout.setCurrent(server, keyId),
    ...(remove !== undefined && { remove: async (keyId: string) => remove(server, keyId) }),
    async disable(keyId) {
      const { name, version } = layout.place(keyId)
      const found = server.vault.find(name)?.versions.find((one) => version === undefined || one.version === version)
      if (found !== undefined) server.vault.change(found, { tags: undefined, attributes: { enabled: false } })
    },
    cut: () => server.down(),
    deny: async () => server.inject(() => ({ kind: 'answer', ...denied })),
    stall: async () => server.inject(() => ({ kind: 'stall' })),
    calls: () => server.calls.length,
    async heal() {
      server.inject()
      await server.up()
    },
    close: () => server.close(),
  }
}

const COMMON: Omit<KeySubject['features'], 'pointerId' | 'remove'> = {
  ...{ list: true, ownKeys: true, malformed: true, dates: true, put: true, setCurrent: true },
  ...{ disable: true, cut: true, deny: true, stall: true, calls: true },
}

export const subjects: readonly KeySubject[] = [
  {
    name: 'Key Vault, one secret per key',
    features: { ...COMMON, pointerId: true, remove: true },
    setUp: setUp(secretPerKey),
  },
  {
    name: 'Key Vault, versions of one secret',
    features: {
      ...COMMON,
      pointerId: 'the newest version is current; nothing points to it',
      remove: 'Key Vault deletes no single version',
    },
    setUp: setUp(versions),
  },
]
