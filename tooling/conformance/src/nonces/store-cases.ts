import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import { rejects } from '../kit/assertions.ts'
import { another, claim, identity, longOf, type NonceSetup } from './bench.ts'
import type { NonceCase } from './case.ts'

const GRANTED: ReadonlySet<unknown> = new Set(['granted', 'granted-again'])

/** One call with these requests. */
const claimAll = (setup: NonceSetup, ids: readonly NonceIdentity[], store: NonceStore = setup.store) =>
  store.claim(ids.map((id) => ({ ...id, ...longOf(setup), stale: false })))

const each = (count: number, answer: string): string[] => Array.from({ length: count }, () => answer)

/** Identities that a careless key of a record takes for one another. */
const lookalikes = (): NonceIdentity[] => {
  const scope = randomUUID()
  const nonce = Uint8Array.from([0, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30, 0xd3, 0x8f])
  // The base64 of this one differs in capitals alone.
  const folded = Buffer.from(Buffer.from(nonce).toString('base64').toLowerCase(), 'base64')
  const base = identity({ scope: `${scope}ab`, keyId: 'c', nonce })
  return [
    base,
    { ...base, scope: `${scope}a`, keyId: 'bc' },
    { ...base, scope: `${scope}a`, keyId: 'b-c' },
    { ...base, scope: `${scope}a-b`, keyId: 'c' },
    { ...base, scope: `${scope}a`, keyId: 'b:c' },
    { ...base, scope: `${scope}a`, keyId: 'b' },
    { ...base, scope: `${scope}a_b` },
    { ...base, scope: `${scope}Ab` },
    { ...base, keyId: 'C' },
    { ...base, keyId: 'c.1' },
    { ...base, keyId: 'c:1' },
    { ...base, nonce: new Uint8Array(12).fill(0xff) },
    { ...base, nonce: new Uint8Array(12).fill(0xfe) },
    { ...base, nonce: new Uint8Array(folded) },
    { ...base, nonce: new Uint8Array(12) },
  ]
}

/** What a store promises beside its table. */
export const storeCases: readonly NonceCase[] = [
  {
    name: 'of many who claim one envelope at once one is granted it',
    requirement: 'NR1, attack 19, A29',
    catches: ['looks before it writes'],
    async run(setup) {
      const { store, peer = store } = setup
      const id = identity()
      const stores = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : peer))
      const answers = await Promise.all(stores.map((each) => claim(setup, another(id), {}, each)))
      assert.equal(answers.filter((answer) => GRANTED.has(answer)).length, 1)
      assert.equal(answers.filter((answer) => answer === 'in-flight').length, 19)
    },
  },
  {
    name: 'of a holder who confirms and a stranger who claims at once, never both have it',
    requirement: 'protocol.md 5, NR1',
    catches: ['grants what was completed', 'confirms nothing'],
    async run(setup) {
      const { store, time, tickMs } = setup
      for (let count = 0; count < 5; count += 1) {
        const holder = identity()
        await claim(setup, holder, { leaseMs: tickMs })
        await time.advance(tickMs * 1.5)
        const [confirmed, claimed] = await Promise.all([
          store.confirm(holder, longOf(setup).retainMs),
          claim(setup, another(holder)),
        ])
        assert.equal(confirmed === 'ok', !GRANTED.has(claimed), `${confirmed} and ${claimed}`)
      }
    },
  },
  {
    name: 'a batch is answered in its order',
    requirement: 'NR1, X28',
    catches: ['answers out of order', 'answers for half a batch'],
    async run(setup) {
      const [fresh, taken, completed] = [identity(), identity(), identity()]
      await claim(setup, taken)
      await claim(setup, completed)
      await setup.store.confirm(completed, longOf(setup).retainMs)
      assert.deepEqual(await claimAll(setup, [fresh, another(taken), another(completed)]), [
        'granted',
        'in-flight',
        'completed',
      ])
    },
  },
  {
    name: 'two requests of one batch for one envelope are answered one after the other',
    requirement: 'NR1, X28, attack 19',
    catches: ['judges a batch at once', 'answers for half a batch'],
    async run(setup) {
      const [first, second] = [identity(), identity()]
      const batch = [first, second, another(first), first, another(second)]
      assert.deepEqual(await claimAll(setup, batch), ['granted', 'granted', 'in-flight', 'granted-again', 'in-flight'])
    },
  },
  {
    name: 'a batch may be large, or empty',
    requirement: 'NR1, PF5',
    catches: ['answers for half a batch', 'remembers no claim'],
    async run(setup) {
      const scope = randomUUID()
      const ids = Array.from({ length: 1_000 }, () => identity({ scope }))
      assert.deepEqual(await claimAll(setup, ids), each(ids.length, 'granted'))
      assert.deepEqual(await claimAll(setup, ids.map(another)), each(ids.length, 'in-flight'))
      assert.deepEqual(await setup.store.claim([]), [])
    },
  },
  {
    name: 'distinct envelopes never share a record, however their scopes, key ids and nonces are spelt',
    requirement: 'NR3, protocol.md 5',
    catches: [
      'ignores the scope',
      'ignores the key id',
      'joins names without a boundary',
      'joins names with a hyphen',
      'folds capitals',
      'takes nonces for text',
    ],
    async run(setup) {
      const ids = lookalikes()
      for (const id of ids) {
        assert.equal(await claim(setup, another(id)), 'granted', `${id.scope} ${id.keyId} ${id.nonce}`)
      }
      assert.deepEqual(await claimAll(setup, ids.map(another)), each(ids.length, 'in-flight'))
    },
  },
  {
    name: 'a nonce is its bytes, wherever they lie',
    requirement: 'NR3',
    catches: ['looks at the buffer of a nonce'],
    async run(setup) {
      const id = identity()
      const around = new Uint8Array(40)
      around.set(id.nonce, 7)
      const view = around.subarray(7, 19)
      assert.equal(await claim(setup, { ...id, nonce: view }), 'granted')
      around[0] = 1
      assert.equal(await claim(setup, another({ ...id, nonce: view })), 'in-flight')
      around.fill(0)
      assert.equal(await claim(setup, another(id)), 'in-flight')
    },
  },
  {
    name: 'a lease lasts as long as it says, by the clock of the store, and is renewed from then on',
    requirement: 'protocol.md 5, attack 21',
    catches: ['renews nothing', 'looks at no lease'],
    async run(setup) {
      const { store, time, tickMs } = setup
      const id = identity()
      await claim(setup, id, { leaseMs: 2 * tickMs })
      await time.advance(tickMs)
      assert.equal(await claim(setup, another(id)), 'in-flight')
      assert.equal(await store.renew(id, 2 * tickMs), 'ok')
      await time.advance(tickMs * 1.5)
      assert.equal(await claim(setup, another(id)), 'in-flight')
      await time.advance(tickMs)
      assert.equal(await claim(setup, another(id)), 'granted-again')
      assert.equal(await store.confirm(id, longOf(setup).retainMs), 'lost')
    },
  },
  {
    name: 'a record lives as long as it is to, and is gone afterwards',
    requirement: 'protocol.md 5, attack 23',
    catches: ['drops records early', 'keeps records for ever'],
    async run(setup) {
      const { store, time, tickMs } = setup
      const [claimed, released, completed] = [identity(), identity(), identity()]
      const times = { leaseMs: tickMs, retainMs: 4 * tickMs }
      for (const id of [claimed, released, completed]) await claim(setup, id, times)
      await store.release(released, 4 * tickMs)
      await store.confirm(completed, 4 * tickMs)
      const ask = (): Promise<unknown[]> =>
        Promise.all([claimed, released, completed].map((id) => claim(setup, another(id), { ...times, stale: true })))
      await time.advance(3 * tickMs)
      // Who is granted it here has a record of his own.
      assert.deepEqual(await ask(), ['granted-again', 'granted-again', 'completed'])
      await time.advance(5.5 * tickMs)
      assert.deepEqual(await ask(), each(3, 'expired'))
    },
  },
  {
    name: 'a lease that is renewed outlives its first record',
    requirement: 'protocol.md 5',
    catches: ['renews a lease and not its record'],
    async run(setup) {
      const { store, time, tickMs } = setup
      const id = identity()
      await claim(setup, id, { leaseMs: tickMs, retainMs: 2 * tickMs })
      assert.equal(await store.renew(id, 4 * tickMs), 'ok')
      await time.advance(3 * tickMs)
      assert.equal(await claim(setup, another(id), { stale: true }), 'in-flight')
      await time.advance(1.5 * tickMs)
      assert.equal(await claim(setup, another(id), { stale: true }), 'granted-again')
    },
  },
  {
    name: 'what one process claims and completes every other one knows',
    requirement: 'NR1, attack 18, attack 19',
    catches: ['remembers for each connection'],
    needs: ['peer'],
    async run(setup) {
      const { store, peer = store } = setup
      const id = identity()
      assert.equal(await claim(setup, id), 'granted')
      assert.equal(await claim(setup, another(id), {}, peer), 'in-flight')
      assert.equal(await peer.confirm(id, longOf(setup).retainMs), 'ok')
      assert.equal(await claim(setup, another(id)), 'completed')
    },
  },
  {
    name: 'a store without room claims nothing, and forgets nothing',
    requirement: 'protocol.md 5, attack 24',
    catches: ['forgets when it is full', 'fails open', 'fails with an error of its own'],
    needs: ['fill'],
    async run(setup) {
      const [completed, held] = [identity(), identity()]
      await claim(setup, completed)
      await setup.store.confirm(completed, longOf(setup).retainMs)
      await claim(setup, held)
      await setup.fill?.()
      const error = await rejects(() => claim(setup, identity()), 'NonceStoreUnavailable')
      assert.equal(error.isTransient, true)
      assert.equal(await claim(setup, another(completed)), 'completed')
      assert.equal(await claim(setup, another(held)), 'in-flight')
    },
  },
  {
    name: 'a store that cannot be reached grants nothing, and goes on with what it knew when it can',
    requirement: 'NR3, attack 24, design.md',
    catches: ['fails open', 'fails with an error of its own'],
    needs: ['cut'],
    async run(setup) {
      const { store } = setup
      const { retainMs, leaseMs } = longOf(setup)
      const id = identity()
      await claim(setup, id)
      await setup.cut?.()
      const calls: readonly (() => Promise<unknown>)[] = [
        () => claim(setup, identity()),
        () => store.renew(id, leaseMs),
        () => store.confirm(id, retainMs),
        () => store.release(id, retainMs),
      ]
      for (const call of calls) {
        const error = await rejects(call, 'NonceStoreUnavailable')
        assert.equal(error.isTransient, true)
      }
      await setup.heal()
      assert.equal(await claim(setup, another(id)), 'in-flight')
      assert.equal(await store.confirm(id, retainMs), 'ok')
    },
  },
]
