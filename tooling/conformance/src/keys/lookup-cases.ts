import assert from 'node:assert/strict'
import { assertKey, KEY_IDS, keyBytes, operate, refreshed } from './bench.ts'
import type { KeyCase } from './case.ts'

const [FIRST, SECOND] = KEY_IDS

/** Ids that an envelope may claim and that name nothing, in any store (protocol.md 1). */
const NO_KEY_IDS: readonly string[] = [
  '',
  '../other-secret',
  `../${FIRST}`,
  `${FIRST}/`,
  `x/../${FIRST}`,
  ` ${FIRST}`,
  `${FIRST}\n`,
  `${FIRST}\0`,
  `-${FIRST}`,
  'a'.repeat(129),
  'schlüssel',
  'arn:aws:secretsmanager:eu-central-1:1:secret/x',
]

/** Of the grammar, and in no store. */
const ABSENT_IDS: readonly string[] = ['kit-9', 'constructor', 'toString', 'a'.repeat(128), 'a.b_c:d']

/** Which keys there are. */
export const lookupCases: readonly KeyCase[] = [
  {
    name: 'a key that is there is given under its id, with its bytes',
    requirement: 'X14, A27, KA1, KW1',
    catches: ['gives any key', 'gives another id'],
    async run({ provider }) {
      await assertKey(provider, FIRST)
    },
  },
  {
    name: 'of several keys each is given under its own id',
    requirement: 'X14, KA2, KW1',
    catches: ['gives any key'],
    needs: ['put'],
    async run(setup) {
      await operate(setup, 'put', SECOND, keyBytes(SECOND))
      await refreshed(setup)
      for (const keyId of [FIRST, SECOND]) await assertKey(setup.provider, keyId)
    },
  },
  {
    name: 'many who ask for one key at once all get it',
    requirement: 'X14, X16',
    catches: ['gives any key'],
    async run({ provider }) {
      await Promise.all(Array.from({ length: 20 }, () => assertKey(provider, FIRST)))
    },
  },
  {
    name: 'a key that is not there is null',
    requirement: 'X14, A28, KA4, KW2',
    catches: ['makes up keys', 'throws for absent keys'],
    async run({ provider }) {
      for (const keyId of ABSENT_IDS) assert.equal(await provider.getKey(keyId), null, keyId)
    },
  },
  {
    name: 'an id outside of the grammar is null, and finds nothing else in the store',
    requirement: 'S7, KA2, KW2, attack 31',
    catches: ['finds other secrets', 'throws for absent keys'],
    async run({ provider }) {
      for (const keyId of NO_KEY_IDS) assert.equal(await provider.getKey(keyId), null, JSON.stringify(keyId))
    },
  },
  {
    name: 'an id outside of the grammar is not asked for',
    requirement: 'KA2, SC5, attack 31',
    catches: ['asks the store for any id'],
    needs: ['calls'],
    async run({ provider, calls = () => 0 }) {
      await provider.getKey(FIRST)
      const before = calls()
      for (const keyId of NO_KEY_IDS) await provider.getKey(keyId).catch(() => null)
      assert.equal(calls(), before)
    },
  },
  {
    name: 'the current id names a key that is there',
    requirement: 'X14, KA3, KW2',
    catches: ['names a key that is not there'],
    async run({ provider }) {
      assert.equal(await provider.currentKeyId(), FIRST)
      await assertKey(provider, await provider.currentKeyId())
    },
  },
  {
    name: 'what names the current key is no key itself',
    requirement: 'KA3, KW2',
    catches: ['takes the pointer for a key', 'lists what is no key'],
    needs: ['pointerId'],
    async run({ provider, pointerId = '' }) {
      assert.equal(await provider.getKey(pointerId), null)
      assert.ok(!(await provider.validKeyIds?.())?.includes(pointerId))
    },
  },
  {
    name: 'the list holds the current key, and nothing that is no key',
    requirement: 'X14, KA3, KW2',
    catches: ['lists without the current key', 'lists what is no key'],
    needs: ['list'],
    async run({ provider }) {
      const ids = (await provider.validKeyIds?.()) ?? []
      assert.ok(ids.includes(await provider.currentKeyId()))
      assert.equal(new Set(ids).size, ids.length)
      for (const keyId of ids) assert.ok(await provider.getKey(keyId), keyId)
    },
  },
  {
    name: 'a key that one caller disposes is there for the next',
    requirement: 'X16, KW3',
    catches: ['shares its keys'],
    needs: ['ownKeys'],
    async run({ provider }) {
      const key = await provider.getKey(FIRST)
      assert.ok(key)
      key.dispose()
      await assertKey(provider, FIRST)
    },
  },
  {
    name: 'a key brings the dates of its store',
    requirement: 'KA3, X18, O3',
    catches: ['drops the dates of keys'],
    needs: ['put', 'dates'],
    async run(setup) {
      const dates = {
        createdAt: new Date(Date.UTC(2025, 0, 2, 3, 4, 5)),
        notBefore: new Date(Date.UTC(2025, 0, 3)),
        expiresAt: new Date(Date.UTC(2099, 11, 31, 23, 59, 59)),
      }
      await operate(setup, 'put', SECOND, keyBytes(SECOND), dates)
      await refreshed(setup)
      const key = await setup.provider.getKey(SECOND)
      assert.ok(key)
      const { createdAt, notBefore, expiresAt } = key
      assert.deepEqual({ createdAt, notBefore, expiresAt }, dates)
    },
  },
]
