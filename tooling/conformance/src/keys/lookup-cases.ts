import assert from 'node:assert/strict'
import { absentId, assertKey, firstId, type KeySetup, keyBytes, operate, refreshed, secondId } from './bench.ts'
import type { KeyCase } from './case.ts'

/** Ids that an envelope may claim and that name nothing, in any store (protocol.md 1). */
const noKeyIds = (first: string): string[] => [
  '',
  '../other-secret',
  `../${first}`,
  `${first}/`,
  `x/../${first}`,
  ` ${first}`,
  `${first}\n`,
  `${first}\0`,
  `-${first}`,
  'a'.repeat(129),
  'schlüssel',
  'arn:aws:secretsmanager:eu-central-1:1:secret/x',
]

/** Of the grammar, and in no store. */
const absentIds = (setup: KeySetup): string[] => [
  absentId(setup),
  ...['constructor', 'toString', 'a'.repeat(128), 'a.b_c:d'],
]

/** Which keys there are. */
export const lookupCases: readonly KeyCase[] = [
  {
    name: 'a key that is there is given under its id, with its bytes',
    requirement: 'X14, A27, KA1, KW1',
    catches: ['gives any key', 'gives another id'],
    async run(setup) {
      await assertKey(setup.provider, firstId(setup))
    },
  },
  {
    name: 'of several keys each is given under its own id',
    requirement: 'X14, KA2, KW1',
    catches: ['gives any key'],
    needs: ['put'],
    async run(setup) {
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)))
      await refreshed(setup)
      for (const keyId of [firstId(setup), secondId(setup)]) await assertKey(setup.provider, keyId)
    },
  },
  {
    name: 'many who ask for one key at once all get it',
    requirement: 'X14, X16',
    catches: ['gives any key'],
    async run(setup) {
      await Promise.all(Array.from({ length: 20 }, () => assertKey(setup.provider, firstId(setup))))
    },
  },
  {
    name: 'a key that is not there is null',
    requirement: 'X14, A28, KA4, KW2',
    catches: ['makes up keys', 'throws for absent keys'],
    async run(setup) {
      for (const keyId of absentIds(setup)) assert.equal(await setup.provider.getKey(keyId), null, keyId)
    },
  },
  {
    name: 'an id outside of the grammar is null, and finds nothing else in the store',
    requirement: 'S7, KA2, KW2, attack 31',
    catches: ['finds other secrets', 'throws for absent keys'],
    async run(setup) {
      for (const keyId of noKeyIds(firstId(setup))) {
        assert.equal(await setup.provider.getKey(keyId), null, JSON.stringify(keyId))
      }
    },
  },
  {
    name: 'an id outside of the grammar is not asked for',
    requirement: 'KA2, SC5, attack 31',
    catches: ['asks the store for any id'],
    needs: ['calls'],
    async run(setup) {
      const { provider, calls = () => 0 } = setup
      await provider.getKey(firstId(setup))
      const before = calls()
      for (const keyId of noKeyIds(firstId(setup))) await provider.getKey(keyId).catch(() => null)
      assert.equal(calls(), before)
    },
  },
  {
    name: 'the current id names a key that is there',
    requirement: 'X14, KA3, KW2',
    catches: ['names a key that is not there'],
    async run(setup) {
      const { provider } = setup
      assert.equal(await provider.currentKeyId(), firstId(setup))
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
    async run(setup) {
      const { provider } = setup
      const key = await provider.getKey(firstId(setup))
      assert.ok(key)
      key.dispose()
      await assertKey(provider, firstId(setup))
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
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)), dates)
      await refreshed(setup)
      const key = await setup.provider.getKey(secondId(setup))
      assert.ok(key)
      const { createdAt, notBefore, expiresAt } = key
      assert.deepEqual({ createdAt, notBefore, expiresAt }, dates)
    },
  },
]
