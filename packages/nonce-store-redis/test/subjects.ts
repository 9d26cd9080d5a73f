import {
  type NonceFeature,
  type NonceSetup,
  nonceKit,
  realTime,
  runCase,
  type Subject,
} from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import type { RedisServer } from '@queue-runtime/redis-server'
import { describe, it } from 'vitest'
import { startsForAll } from './redis-here.ts'

/** What a server or a cluster is to the kit. */
interface Place extends AsyncDisposable {
  readonly options: RedisNonceOptions
  readonly nodes: readonly RedisServer[]
}

/** A busy machine answers some thousand calls, of cases that run side by side, in a quarter of this. */
const TICK_MS = 2_500

/** Redis is what is tested: what the store says of its configuration, and how soon it gives up, is told in tests of its own. */
const openAt = (options: RedisNonceOptions) => redisNonceStore({ ...options, logger: false, timeoutMs: 3_000 })

const setUpAt = ({ options }: Place): NonceSetup => {
  const [store, peer] = [openAt(options), openAt(options)]
  return {
    ...{ store, peer, time: realTime(), tickMs: TICK_MS },
    async heal() {},
    async close() {
      await Promise.all([store.close(), peer.close()])
    },
  }
}

/** One place for all cases, side by side. */
const shared = (name: string, place: () => Place): Subject<NonceSetup, NonceFeature> => ({
  name,
  features: {
    peer: true,
    fill: 'other cases are there too; it is filled up in the case below',
    cut: 'other cases are there too; it is cut off in the case below',
  },
  setUp: () => setUpAt(place()),
})

/** A place for each case, with which an operator can do what he likes. */
const own = (name: string, start: () => Promise<Place>): Subject<NonceSetup, NonceFeature> => ({
  name,
  features: { peer: true, fill: true, cut: true },
  async setUp() {
    const place = await start()
    const { close, ...setup } = setUpAt(place)
    const { nodes } = place
    return {
      ...setup,
      async fill() {
        await Promise.all(nodes.map((node) => node.command('CONFIG', 'SET', 'maxmemory', '1')))
      },
      async cut() {
        for (const node of nodes) node.pause()
      },
      async heal() {
        for (const node of nodes) node.resume()
      },
      async close() {
        await close()
        await place[Symbol.asyncDispose]()
      },
    }
  },
})

/** Describes the kit for Redis in some form. */
export function describeKit(name: string, start: () => Promise<Place>): void {
  describe('shared', () => {
    const place = startsForAll(start)
    describeCases(nonceKit, shared(name, place), { concurrent: 20, timeoutMs: 120_000 })
  })
  describe(`NonceStore: ${name}, filled up and cut off`, { timeout: 120_000 }, () => {
    const cases = nonceKit.cases.filter(({ needs = [] }) => needs.includes('fill') || needs.includes('cut'))
    const subject = own(name, start)
    it.for(cases.map((one) => [one.name, one] as const))('%s', ([, one]) => runCase(nonceKit, subject, one))
  })
}
