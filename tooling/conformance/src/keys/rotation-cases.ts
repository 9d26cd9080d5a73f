import assert from 'node:assert/strict'
import { assertKey, KEY_IDS, keyBytes, operate, refreshed } from './bench.ts'
import type { KeyCase } from './case.ts'

const [FIRST, SECOND] = KEY_IDS

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
      await operate(setup, 'put', SECOND, keyBytes(SECOND))
      await refreshed(setup)
      assert.equal(await provider.currentKeyId(), FIRST)
      await assertKey(provider, SECOND)
      await operate(setup, 'setCurrent', SECOND)
      await refreshed(setup)
      assert.equal(await provider.currentKeyId(), SECOND)
      for (const keyId of [FIRST, SECOND]) await assertKey(provider, keyId)
    },
  },
  {
    name: 'the list follows the store',
    requirement: 'X15, KA3, KW2',
    catches: ['lists without the current key'],
    needs: ['put', 'setCurrent', 'list'],
    async run(setup) {
      const { provider } = setup
      assert.ok((await provider.validKeyIds?.())?.includes(FIRST))
      await operate(setup, 'put', SECOND, keyBytes(SECOND))
      await operate(setup, 'setCurrent', SECOND)
      await refreshed(setup)
      const ids = (await provider.validKeyIds?.()) ?? []
      assert.deepEqual([ids.includes(FIRST), ids.includes(SECOND)], [true, true])
    },
  },
  {
    name: 'a key that was removed is there no more, and the others are',
    requirement: 'X15, A28',
    catches: ['keeps removed keys'],
    needs: ['put', 'setCurrent', 'remove'],
    async run(setup) {
      const { provider } = setup
      await operate(setup, 'put', SECOND, keyBytes(SECOND))
      await operate(setup, 'setCurrent', SECOND)
      await refreshed(setup)
      for (const keyId of [FIRST, SECOND]) await assertKey(provider, keyId)
      await operate(setup, 'remove', FIRST)
      await refreshed(setup)
      assert.equal(await provider.getKey(FIRST), null)
      assert.ok(!(await provider.validKeyIds?.())?.includes(FIRST))
      await assertKey(provider, SECOND)
    },
  },
]
