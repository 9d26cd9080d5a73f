import {
  KEY_IDS,
  type KeyDates,
  type KeyFeature,
  type KeySetup,
  keyBytes,
  realTime,
  type Subject,
} from '@queue-runtime/conformance'
import { type SecretsManagerKeyOptions, secretsManagerKeyProvider } from '@queue-runtime/keys-aws'
import { denied, type SecretsManager, startSecretsManager, type Value } from '@queue-runtime/secrets-manager-emulator'
import { clientOf } from './support.ts'

type KeySubject = Subject<KeySetup, KeyFeature>

/** What a layout does with the store. */
interface Layout {
  readonly options: SecretsManagerKeyOptions
  readonly keyIds: readonly [string, string, string]
  readonly pointerId?: string
  put(manager: SecretsManager, keyId: string, value: Value, dates: KeyDates): void
  setCurrent(manager: SecretsManager, keyId: string): void
  remove?(manager: SecretsManager, keyId: string): void
  /** The secret that a key lies in, and the tag that tells of it. */
  place(keyId: string): { readonly name: string; readonly tag: string }
}

const PREFIX = 'prod/kit'

const factsOf = ({ notBefore, expiresAt }: KeyDates): string =>
  [notBefore && `not-before=${notBefore.toISOString()}`, expiresAt && `expires=${expiresAt.toISOString()}`]
    .filter((word) => word !== undefined)
    .join(' ')

const secretPerKey: Layout = {
  options: { prefix: PREFIX },
  keyIds: KEY_IDS,
  pointerId: 'current',
  put({ store }, keyId, value, dates) {
    const secret = store.create(`${PREFIX}/${keyId}`)
    const version = store.add(secret, value, { createdMs: dates.createdAt?.getTime() })
    store.stage(secret, 'AWSCURRENT', version)
    secret.tags.set('queue-runtime', factsOf(dates))
  },
  setCurrent({ store }, keyId) {
    const secret = store.create(`${PREFIX}/current`)
    store.stage(secret, 'AWSCURRENT', store.add(secret, { text: keyId }))
  },
  remove: ({ store }, keyId) => store.purge(`${PREFIX}/${keyId}`),
  place: (keyId) => ({ name: `${PREFIX}/${keyId}`, tag: 'queue-runtime' }),
}

const versionNamed = (digit: number): string => `kit:${String(digit).padStart(32, '0')}`
const versionIn = (keyId: string): string => keyId.slice('kit:'.length)

const versions: Layout = {
  options: { secret: PREFIX },
  keyIds: [versionNamed(1), versionNamed(2), versionNamed(3)],
  put({ store }, keyId, value, dates) {
    const secret = store.find(PREFIX) ?? store.create(PREFIX)
    store.add(secret, value, { id: versionIn(keyId), createdMs: dates.createdAt?.getTime() })
    secret.tags.set(`queue-runtime:${versionIn(keyId)}`, factsOf(dates))
  },
  setCurrent({ store }, keyId) {
    const secret = store.find(PREFIX)
    if (secret === undefined) return
    store.stage(
      secret,
      'AWSCURRENT',
      secret.versions.find(({ id }) => id === versionIn(keyId)),
    )
  },
  place: (keyId) => ({ name: PREFIX, tag: `queue-runtime:${versionIn(keyId)}` }),
}

const setUp = (layout: Layout, write: (bytes: Uint8Array) => Value) => async (): Promise<KeySetup> => {
  const server = await startSecretsManager({ pageSize: 2 })
  const [first] = layout.keyIds
  const put = async (keyId: string, bytes: Uint8Array, dates: KeyDates = {}): Promise<void> =>
    layout.put(server, keyId, write(bytes), dates)
  await put(first, keyBytes(first))
  layout.setCurrent(server, first)
  const { remove } = layout
  const client = clientOf(server)
  return {
    provider: secretsManagerKeyProvider({ ...layout.options, client }),
    time: realTime(),
    refreshMs: 0,
    keyIds: layout.keyIds,
    ...(layout.pointerId !== undefined && { pointerId: layout.pointerId }),
    put,
    setCurrent: async (keyId) => layout.setCurrent(server, keyId),
    ...(remove !== undefined && { remove: async (keyId: string) => remove(server, keyId) }),
    async disable(keyId) {
      const { name, tag } = layout.place(keyId)
      server.store.find(name)?.tags.set(tag, 'enabled=false')
    },
    cut: () => server.down(),
    deny: async () => server.inject(() => ({ kind: 'answer', ...denied })),
    stall: async () => server.inject(() => ({ kind: 'stall' })),
    calls: () => server.calls.length,
    async heal() {
      server.inject()
      await server.up()
    },
    async close() {
      client.destroy()
      await server.close()
    },
  }
}

const COMMON: Omit<KeySubject['features'], 'pointerId' | 'remove'> = {
  ...{ list: true, ownKeys: true, malformed: true, dates: true, put: true, setCurrent: true },
  ...{ disable: true, cut: true, deny: true, stall: true, calls: true },
}

const ENCODINGS: readonly (readonly [name: string, write: (bytes: Uint8Array) => Value])[] = [
  ['binary', (bytes) => ({ binary: Buffer.from(bytes).toString('base64') })],
  ['base64', (bytes) => ({ text: Buffer.from(bytes).toString('base64') })],
]

export const subjects: readonly KeySubject[] = ENCODINGS.flatMap(([encoding, write]) => [
  {
    name: `Secrets Manager, one secret per key, ${encoding}`,
    features: { ...COMMON, pointerId: true, remove: true },
    setUp: setUp(secretPerKey, write),
  },
  {
    name: `Secrets Manager, versions of one secret, ${encoding}`,
    features: {
      ...COMMON,
      pointerId: 'a label of the service says which version is current',
      remove: 'Secrets Manager deletes no single version',
    },
    setUp: setUp(versions, write),
  },
])
