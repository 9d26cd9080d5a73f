import {
  EncryptionKey,
  type MessageCryptoOptions,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
} from '@queue-runtime/crypto'
import type { Subject } from '../kit/case.ts'
import type { ProviderSetup } from '../provider/bench.ts'
import type { ProviderFeature } from '../provider/feature.ts'
import type { ClientSetup } from './bench.ts'
import type { ClientFeature } from './case.ts'

type ProviderSubject = Subject<ProviderSetup, ProviderFeature>
type ClientSubject = Subject<ClientSetup, ClientFeature>
type Skips = ClientSubject['skips']

const keyProvider = multiKeyProvider({
  keys: [
    EncryptionKey.fromBytes(
      'conformance-1',
      // Unlike any body of a case: what watches for keys in the open would take that for one.
      Uint8Array.from({ length: 32 }, (_, index) => 251 - 7 * index),
    ),
  ],
})

const featuresOf = ({ features }: ProviderSubject): ClientSubject['features'] => {
  const { order, sessionIds, sessions, sessionOrder, deadLetters, deduplication, probe, depth, missingQueue } = features
  const exclusiveSessions = sessions === true ? true : sessionOrder
  return { order, sessionIds, sessions, exclusiveSessions, deadLetters, deduplication, probe, depth, missingQueue }
}

/** `protection`: what its options are, beside the keys; undefined: there is none. */
const subject = (
  provider: ProviderSubject,
  what: string,
  skips: Skips,
  protection: (setup: ProviderSetup) => MessageCryptoOptions | undefined,
): ClientSubject => ({
  name: `${provider.name}, ${what}`,
  features: featuresOf(provider),
  ...(skips && { skips }),
  async setUp() {
    const setup = await provider.setUp()
    const options = protection(setup)
    const protect: ClientSetup['protect'] =
      options && ((change = (keys) => keys) => messageCrypto({ ...options, keyProvider: change(keyProvider) }))
    return { ...setup, protect }
  },
})

/** Longer than any case takes: how old a message may be is not the question here. */
const DAY_MS = 86_400_000

const SEALED: MessageCryptoOptions = { enabled: true, plaintextPolicy: 'reject', maxMessageAgeMs: DAY_MS }

/** Clients of a provider without protection. */
export const plainClients = (provider: ProviderSubject, skips?: Skips): ClientSubject =>
  subject(provider, 'plain', skips, () => undefined)

/** Clients of a provider that seal, and refuse what is not sealed. */
export const sealedClients = (provider: ProviderSubject, skips?: Skips): ClientSubject =>
  subject(provider, 'sealed', skips, () => SEALED)

/** The same with replays tracked: what comes back by right comes through. */
export const trackedClients = (provider: ProviderSubject, skips?: Skips): ClientSubject =>
  subject(provider, 'sealed, replays tracked', skips, ({ time: { clock } }) => ({
    ...SEALED,
    nonceStore: memoryNonceStore({ clock }),
    nonceCacheTtlMs: 2 * DAY_MS,
  }))
