import type { NonceClaim, NonceClaimAnswer, NonceIdentity } from '@queue-runtime/crypto'
import { type Book, changing, claiming, type Fault, hearing, isGrant, keyOf, saying } from './fault.ts'
import type { NonceMutant } from './mutant.ts'

/** What a claim finds where there is nothing. */
const onNothing = ({ stale }: NonceClaim): NonceClaimAnswer => (stale ? 'expired' : 'granted')

/** Goes by other names than it was given. */
const renaming = (edit: (id: NonceIdentity) => Partial<NonceIdentity>): Fault => {
  const renamed = <T extends NonceIdentity>(id: T): T => ({ ...id, ...edit(id) })
  return changing((sound) => ({
    claim: (requests) => sound.claim(requests.map(renamed)),
    renew: (id, leaseMs) => sound.renew(renamed(id), leaseMs),
    confirm: (id, retainMs) => sound.confirm(renamed(id), retainMs),
    release: (id, retainMs) => sound.release(renamed(id), retainMs),
  }))
}

/** Whoever asks, the delivery that holds the claim is taken to. */
const asOwner = (book: Book, id: NonceIdentity): NonceIdentity => ({ ...id, token: book.of(id)?.token ?? id.token })

const lasting = (factor: number): Fault =>
  changing((sound) => ({
    claim: (requests) => sound.claim(requests.map((each) => ({ ...each, retainMs: each.retainMs * factor }))),
    confirm: (id, retainMs) => sound.confirm(id, retainMs * factor),
    release: (id, retainMs) => sound.release(id, retainMs * factor),
  }))

const DAY_MS = 86_400_000

const isMineLapsed = (book: Book, id: NonceIdentity): boolean => {
  const note = book.of(id)
  return note?.token === id.token && book.isLapsed(note)
}

/** Two claims of one envelope at the same moment each find nothing. */
const racing: Fault = (setup) => {
  const running = new Map<string, number>()
  return claiming((claim) => async (request) => {
    const key = keyOf(request)
    const others = running.get(key) ?? 0
    running.set(key, others + 1)
    await new Promise((resolve) => setImmediate(resolve))
    const answer = await claim(request)
    running.delete(key)
    return others > 0 && answer === 'in-flight' ? 'granted' : answer
  })(setup)
}

const failingWith = (instead: (error: unknown) => never): Fault =>
  changing((sound) => ({
    claim: (requests) => sound.claim(requests).catch(instead),
    renew: (id, leaseMs) => sound.renew(id, leaseMs).catch(instead),
    confirm: (id, retainMs) => sound.confirm(id, retainMs).catch(instead),
    release: (id, retainMs) => sound.release(id, retainMs).catch(instead),
  }))

/** Another process has a store of its own. */
const forEachConnection: Fault = (setup) => ({
  ...setup,
  peer: {
    claim: async (requests) => requests.map(onNothing),
    renew: async () => 'ok',
    confirm: async () => 'ok',
    release: async () => 'ok',
  },
})

const forgettingWhenFull: Fault = (setup) => {
  let isFull = false
  const changed = claiming((claim) => async (request) => (isFull ? onNothing(request) : claim(request)))(setup)
  const { fill } = setup
  return {
    ...changed,
    async fill() {
      await fill?.()
      isFull = true
    },
  }
}

const base64 = (nonce: Uint8Array): string => Buffer.from(nonce).toString('base64')

export const nonceMutants: Readonly<Record<NonceMutant, Fault>> = {
  'takes every claim for a second one': saying('granted', 'granted-again'),
  'remembers no claim': claiming((claim, { release }) => async (request) => {
    const answer = await claim(request)
    if (isGrant(answer)) await release(request, request.retainMs)
    return answer
  }),
  'completes what it grants': claiming((claim, { confirm }) => async (request) => {
    const answer = await claim(request)
    if (isGrant(answer)) await confirm(request, request.retainMs)
    return answer
  }),
  'forgets what is released': claiming((claim, _, book) => async (request) => {
    if (book.of(request)?.state !== 'released') return claim(request)
    if (!request.stale) await claim(request)
    return onNothing(request)
  }),
  'forgets what is lapsed': claiming((claim, _, book) => async (request) => {
    if (!book.isLapsed(book.of(request))) return claim(request)
    if (!request.stale) await claim(request)
    return onNothing(request)
  }),
  'takes a lapsed claim for lost': changing(({ confirm, release, renew }, book) => ({
    confirm: async (id, retainMs) => (isMineLapsed(book, id) ? 'lost' : confirm(id, retainMs)),
    release: async (id, retainMs) => (isMineLapsed(book, id) ? 'lost' : release(id, retainMs)),
    renew: async (id, leaseMs) => (isMineLapsed(book, id) ? 'lost' : renew(id, leaseMs)),
  })),
  'lets no lease lapse': hearing(({ retainMs }) => ({ leaseMs: DAY_MS, retainMs: retainMs + DAY_MS })),
  'takes its own claim for another one': claiming((claim, _, book) => async (request) => {
    const note = book.of(request)
    return note?.state === 'claimed' && note.token === request.token ? 'in-flight' : claim(request)
  }),
  'looks at no lease': claiming((claim, { release }, book) => async (request) => {
    const answer = await claim(request)
    if (answer !== 'in-flight') return answer
    await release(asOwner(book, request), request.retainMs)
    return claim(request)
  }),
  'grants what is in flight': saying('in-flight', 'granted-again'),
  'grants what was completed': saying('completed', 'granted-again'),
  'grants a stale message that it never saw': hearing(() => ({ stale: false })),
  'refuses what comes back late': claiming((claim) => async (request) => {
    const answer = await claim(request)
    return request.stale && answer === 'granted-again' ? 'expired' : answer
  }),
  'confirms only what is claimed': changing(({ confirm }, book) => ({
    confirm: async (id, retainMs) => {
      const state = book.of(id)?.state ?? 'released'
      return state === 'released' ? 'lost' : confirm(id, retainMs)
    },
  })),
  'confirms nothing': changing(() => ({ confirm: async () => 'ok' })),
  'confirms for anybody': changing(({ confirm }, book) => ({
    confirm: (id, retainMs) => confirm(asOwner(book, id), retainMs),
  })),
  'confirms more than once': changing(({ confirm }) => ({
    async confirm(id, retainMs) {
      const answer = await confirm(id, retainMs)
      return answer === 'already' ? 'ok' : answer
    },
  })),
  'releases anything': changing(({ release }) => ({
    async release(id, retainMs) {
      await release(id, retainMs)
      return 'ok'
    },
  })),
  'releases nothing': changing(() => ({ release: async () => 'ok' })),
  'releases for anybody': changing(({ release }, book) => ({
    release: (id, retainMs) => release(asOwner(book, id), retainMs),
  })),
  'completes what is released': changing(({ release, confirm }) => ({
    async release(id, retainMs) {
      const answer = await release(id, retainMs)
      if (answer === 'ok') await confirm(id, retainMs)
      return answer
    },
  })),
  'renews anything': changing(({ renew }) => ({
    async renew(id, leaseMs) {
      await renew(id, leaseMs)
      return 'ok'
    },
  })),
  'renews nothing': changing(({ renew }, book) => ({
    renew: async (id, leaseMs) => (book.of(id)?.token === id.token ? 'ok' : renew(id, leaseMs)),
  })),
  'renews for anybody': changing(({ renew }, book) => ({ renew: (id, leaseMs) => renew(asOwner(book, id), leaseMs) })),
  'releases what it renews': changing(({ renew, release }) => ({
    async renew(id, leaseMs) {
      const answer = await renew(id, leaseMs)
      if (answer === 'ok') await release(id, leaseMs)
      return answer
    },
  })),
  'renews a lease and not its record': claiming((claim, _, book) => async (request) => {
    const note = book.of(request)
    const isOver = note?.state === 'claimed' && book.now() > note.expiresAt
    return isOver ? onNothing(request) : claim(request)
  }),
  'drops records early': lasting(0.5),
  'keeps records for ever': lasting(1_000),
  'looks before it writes': racing,
  'answers out of order': changing(({ claim }) => ({
    claim: async (requests) => (await claim(requests)).toReversed(),
  })),
  'answers for half a batch': changing(({ claim }) => ({
    claim: async (requests) => (await claim(requests)).slice(0, Math.ceil(requests.length / 2)),
  })),
  'judges a batch at once': changing(({ claim }) => ({
    async claim(requests) {
      const answers = await claim(requests)
      const first = new Map<string, NonceClaimAnswer>()
      return requests.map((request, index) => {
        const key = keyOf(request)
        const answer = first.get(key) ?? (answers[index] as NonceClaimAnswer)
        first.set(key, answer)
        return answer
      })
    },
  })),
  'ignores the scope': renaming(() => ({ scope: 'all' })),
  'ignores the key id': renaming(() => ({ keyId: 'all' })),
  'joins names without a boundary': renaming(({ scope, keyId }) => ({ scope: scope + keyId, keyId: 'all' })),
  'joins names with a hyphen': renaming(({ scope, keyId }) => ({ scope: `${scope}-${keyId}`, keyId: 'all' })),
  'folds capitals': renaming(({ scope, keyId, nonce }) => ({
    scope: scope.toLowerCase(),
    keyId: keyId.toLowerCase(),
    nonce: Buffer.from(base64(nonce).toLowerCase()),
  })),
  'takes nonces for text': renaming(({ nonce }) => ({ nonce: Buffer.from(Buffer.from(nonce).toString('utf8')) })),
  'looks at the buffer of a nonce': renaming(({ nonce }) => ({ nonce: new Uint8Array(nonce.buffer.slice(0)) })),
  'remembers for each connection': forEachConnection,
  'forgets when it is full': forgettingWhenFull,
  'fails open': changing(({ claim }) => ({
    claim: (requests) => claim(requests).catch(() => requests.map(() => 'granted')),
  })),
  'fails with an error of its own': failingWith(() => {
    throw new Error('connect ECONNREFUSED 127.0.0.1:6379')
  }),
}
