import type { NonceClaim, NonceClaimAnswer, NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import type { NonceSetup } from './bench.ts'

export type Fault = (setup: NonceSetup) => NonceSetup

/** What a mutant knows of an envelope beside the store that it spoils. */
interface Note {
  state: 'claimed' | 'released' | 'completed'
  token: string
  leaseEnd: number
  readonly expiresAt: number
}

export interface Book {
  of(id: NonceIdentity): Note | undefined
  isLapsed(note: Note | undefined): boolean
  now(): number
}

export const keyOf = ({ scope, keyId, nonce }: NonceIdentity): string => JSON.stringify([scope, keyId, [...nonce]])

export const isGrant = (answer: NonceClaimAnswer | undefined): boolean =>
  answer === 'granted' || answer === 'granted-again'

/** A sound store whose answers are written down. */
function noted(store: NonceStore, { time: { clock } }: NonceSetup): { store: NonceStore; book: Book } {
  const notes = new Map<string, Note>()
  const of = (id: NonceIdentity): Note | undefined => notes.get(keyOf(id))
  const mark = (id: NonceIdentity, change: Partial<Note>): void => {
    const note = of(id)
    if (note !== undefined) Object.assign(note, change)
  }
  const claimed = (request: NonceClaim): void => {
    const { token, leaseMs, retainMs } = request
    const now = clock.now()
    notes.set(keyOf(request), { state: 'claimed', token, leaseEnd: now + leaseMs, expiresAt: now + retainMs })
  }
  return {
    book: {
      of,
      isLapsed: (note) => note?.state === 'claimed' && clock.now() >= note.leaseEnd,
      now: () => clock.now(),
    },
    store: {
      async claim(requests) {
        const answers = await store.claim(requests)
        for (const [index, request] of requests.entries()) if (isGrant(answers[index])) claimed(request)
        return answers
      },
      async renew(id, leaseMs) {
        const answer = await store.renew(id, leaseMs)
        if (answer === 'ok') mark(id, { leaseEnd: clock.now() + leaseMs })
        return answer
      },
      async confirm(id, retainMs) {
        const answer = await store.confirm(id, retainMs)
        if (answer === 'ok') mark(id, { state: 'completed' })
        return answer
      },
      async release(id, retainMs) {
        const answer = await store.release(id, retainMs)
        if (answer === 'ok') mark(id, { state: 'released' })
        return answer
      },
    },
  }
}

export const changing =
  (change: (sound: NonceStore, book: Book) => Partial<NonceStore>): Fault =>
  (setup) => {
    const { store, book } = noted(setup.store, setup)
    return { ...setup, store: { ...store, ...change(store, book) } }
  }

export type ClaimOne = (request: NonceClaim) => Promise<NonceClaimAnswer>

/** Answers the claims of a batch one by one. */
export const claiming = (change: (claim: ClaimOne, sound: NonceStore, book: Book) => ClaimOne): Fault =>
  changing((sound, book) => {
    const one = change(async (request) => (await sound.claim([request]))[0] as NonceClaimAnswer, sound, book)
    return {
      async claim(requests) {
        const answers: NonceClaimAnswer[] = []
        for (const request of requests) answers.push(await one(request))
        return answers
      },
    }
  })

/** Hears another claim than it was asked. */
export const hearing = (edit: (request: NonceClaim) => Partial<NonceClaim>): Fault =>
  claiming((claim) => (request) => claim({ ...request, ...edit(request) }))

/** Says something else than it should. */
export const saying = (from: NonceClaimAnswer, to: NonceClaimAnswer): Fault =>
  claiming((claim) => async (request) => {
    const answer = await claim(request)
    return answer === from ? to : answer
  })
