import assert from 'node:assert/strict'
import { assertKey, firstId, keyBytes, operate, refreshed, secondId } from './bench.ts'
import type { KeyCase } from './case.ts'

/** Keys that come and go. */
export const rotationCases: readonly KeyCase[] = [
  {
    name: 'a key that was added is current once it is made so, and the old one still opens',
    requirement: 'A27, X15, KA3, KW2',
    catches: ['sticks to the first current key', 'forgets old keys'],
    needs: ['put', 'setCurrent'],
    async run(setup) {
      const { provider } = setup
      await assertKey(provider, await provider.currentKeyId())
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)))
      await refreshed(setup)
      assert.equal(await provider.currentKeyId(), firstId(setup))
      await assertKey(provider, secondId(setup))
      await operate(setup, 'setCurrent', secondId(setup))
      await refreshed(setup)
      assert.equal(await provider.currentKeyId(), secondId(setup))
      for (const keyId of [firstId(setup), secondId(setup)]) await assertKey(provider, keyId)
    },
  },
  {
    name: 'the list follows the store',
    requirement: 'X15, KA3, KW2',
    catches: ['lists without the current key'],
    needs: ['put', 'setCurrent', 'list'],
    async run(setup) {
      const { provider } = setup
      assert.ok((await provider.validKeyIds?.())?.includes(firstId(setup)))
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)))
      await operate(setup, 'setCurrent', secondId(setup))
      await refreshed(setup)
      const ids = (await provider.validKeyIds?.()) ?? []
      assert.deepEqual([ids.includes(firstId(setup)), ids.includes(secondId(setup))], [true, true])
    },
  },
  {
    name: 'a key that was removed is there no more, and the others are',
    requirement: 'X15, A28',
    catches: ['keeps removed keys'],
    needs: ['put', 'setCurrent', 'remove'],
    async run(setup) {
      const { provider } = setup
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)))
      await operate(setup, 'setCurrent', secondId(setup))
      await refreshed(setup)
      for (const keyId of [firstId(setup), secondId(setup)]) await assertKey(provider, keyId)
      await operate(setup, 'remove', firstId(setup))
      await refreshed(setup)
      assert.equal(await provider.getKey(firstId(setup)), null)
      assert.ok(!(await provider.validKeyIds?.())?.includes(firstId(setup)))
      await assertKey(provider, secondId(setup))
    },
  },
]
