import { expect, test } from 'vitest'
import config from '../../../vitest.config.ts'

test('every test of the repository is watched for keys: what tooling/leaks shows of its plugin holds for this run (X20)', () => {
  expect(config).toMatchObject({ plugins: [{ name: 'leak-watch' }] })
  expect(globalThis).toHaveProperty('__leakListener.watch')
})
