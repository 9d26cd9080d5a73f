import { randomUUID } from 'node:crypto'
import type { NonceClaim, NonceClaimAnswer, NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import { AT, nonceOf } from '../../src/envelope-bytes.ts'
import { KEY_ID } from '../../src/keys.ts'
import { library } from '../../src/library.ts'
import { type Fault, options } from './change.ts'

const DAY_MS = 86_400_000

const store = (change: (sound: NonceStore) => Partial<NonceStore>): Fault => ({
  memoryNonceStore(given) {
    const sound = library.memoryNonceStore(given)
    return { ...sound, ...change(sound) }
  },
  redisNonceStore(given) {
    const sound = library.redisNonceStore(given)
    return { ...sound, ...change(sound) }
  },
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Claims what an envelope says of itself, and opens it afterwards. */
const claimingFirst: Fault = {
  messageCrypto(given) {
    const { nonceStore } = given
    if (nonceStore === undefined) return library.messageCrypto(given)
    const early = new Map<string, { readonly token: string; readonly answer: NonceClaimAnswer }>()
    const asEarly = <T extends NonceIdentity>(id: T): T => ({ ...id, token: early.get(text(id.nonce))?.token ?? '' })
    const sound = library.messageCrypto({
      ...given,
      nonceStore: {
        claim: async (requests) => requests.map(({ nonce }) => early.get(text(nonce))?.answer ?? 'granted'),
        renew: (id, leaseMs) => nonceStore.renew(asEarly(id), leaseMs),
        confirm: (id, retainMs) => nonceStore.confirm(asEarly(id), retainMs),
        release: (id, retainMs) => nonceStore.release(asEarly(id), retainMs),
      },
    })
    return {
      open(context) {
        const { protect, unprotect } = sound.open(context)
        const claimOf = (body: Uint8Array): NonceClaim => ({
          ...{ scope: context.queue, keyId: KEY_ID, nonce: nonceOf(body), token: randomUUID() },
          ...{ leaseMs: 20_000, retainMs: 600_000, stale: false },
        })
        return {
          protect,
          async unprotect(messages, call) {
            const bodies = messages.map(({ body }) => body).filter(({ length }) => length > AT.keyId)
            for (const claim of bodies.map(claimOf)) {
              const [answer] = await nonceStore.claim([claim])
              early.set(text(claim.nonce), { token: claim.token, answer: answer ?? 'granted' })
            }
            return unprotect(messages, call)
          },
        }
      },
    }
  },
}

export const storeMutants = {
  'grants every claim': store(() => ({ claim: async (requests) => requests.map(() => 'granted') })),
  'forgets what was handled': store(({ release }) => ({
    async confirm(id, retainMs) {
      await release(id, retainMs)
      return 'ok'
    },
  })),
  'gives no claim back': store(() => ({ release: async () => 'ok' })),
  'lets no lease end': store(({ claim, renew }) => ({
    renew: (id) => renew(id, DAY_MS),
    claim: (requests) => claim(requests.map((request) => ({ ...request, leaseMs: DAY_MS, retainMs: 2 * DAY_MS }))),
  })),
  'fails open': options((given) => {
    const { nonceStore } = given
    if (nonceStore === undefined) return given
    const claim: NonceStore['claim'] = (requests) =>
      nonceStore.claim(requests).catch(() => requests.map(() => 'granted'))
    return { ...given, nonceStore: { ...nonceStore, claim } }
  }),
  'claims before it opens': claimingFirst,
} as const
