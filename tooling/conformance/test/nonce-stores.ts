import { QueueError } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { memoryNonceStore, type NonceStore } from '@queue-runtime/crypto'
import { injectedTime, type NonceFeature, type NonceSetup, type Subject } from '../src/index.ts'

const START = Date.UTC(2026, 0, 1)
const ROOM = 3_000
const done = async (): Promise<void> => {}

const setUpMemory = (): NonceSetup => {
  const clock = fakeClock(START)
  const store = memoryNonceStore({ clock, maxRecords: ROOM })
  return {
    store,
    time: injectedTime(clock),
    tickMs: 30_000,
    async fill() {
      const nonceOf = (number: number): Uint8Array => Buffer.from(String(number).padStart(12, '0'))
      const fields = { scope: 'filling', keyId: 'kit-1', token: 't', leaseMs: 1, retainMs: 86_400_000, stale: false }
      for (let number = 0; number < ROOM; number += 1) {
        await store.claim([{ ...fields, nonce: nonceOf(number) }]).catch(() => {})
      }
    },
    heal: done,
    close: done,
  }
}

export const memoryStore: Subject<NonceSetup, NonceFeature> = {
  name: 'memoryNonceStore',
  features: {
    peer: 'its records are those of one object',
    fill: true,
    cut: 'there is nothing between it and its records',
  },
  setUp: setUpMemory,
}

/** The same store, far away: it has several connections, each of which can break. */
export const distantStore: Subject<NonceSetup, NonceFeature> = {
  name: 'a nonce store behind connections',
  features: { peer: true, fill: true, cut: true },
  setUp() {
    const setup = setUpMemory()
    let isCut = false
    const connect = ({ claim, renew, confirm, release }: NonceStore): NonceStore => {
      const over = async <T>(call: () => Promise<T>): Promise<T> => {
        await new Promise((resolve) => setImmediate(resolve))
        if (isCut) throw new QueueError('NonceStoreUnavailable', 'The connection is broken.')
        return call()
      }
      return {
        claim: (requests) => over(() => claim(requests)),
        renew: (id, leaseMs) => over(() => renew(id, leaseMs)),
        confirm: (id, retainMs) => over(() => confirm(id, retainMs)),
        release: (id, retainMs) => over(() => release(id, retainMs)),
      }
    }
    return {
      ...setup,
      store: connect(setup.store),
      peer: connect(setup.store),
      async cut() {
        isCut = true
      },
      async heal() {
        isCut = false
      },
    }
  },
}
