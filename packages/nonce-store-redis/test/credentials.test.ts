import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis } from '@queue-runtime/redis-server'
import { describe, expect, it } from 'vitest'
import { startsForAll } from './redis-here.ts'
import { claim, identity, unavailable } from './support.ts'

const REJECTED = unavailable(/^Redis rejects the user or the password, or wants one\.$/)

const PASSWORD = 'correct-horse'

const WRONG: readonly (readonly [string, object])[] = [
  ['a password that is missing', {}],
  ['a wrong password', { password: 'battery-staple' }],
  ['a user that is not there', { username: 'nobody', password: PASSWORD }],
]

describe('the look at the configuration, and a claim, say the same of', () => {
  const server = startsForAll(async () => {
    const started = await startRedis()
    await started.command('CONFIG', 'SET', 'requirepass', PASSWORD)
    return started
  })

  it.for(WRONG)('%s (NR3)', async ([, credentials]) => {
    const { host, port } = server()
    for (const enableReadyCheck of [true, false]) {
      await using store = redisNonceStore({ server: { host, port, enableReadyCheck, ...credentials }, logger: false })
      await expect(store.check()).rejects.toEqual(REJECTED)
      await expect(claim(store, identity())).rejects.toEqual(REJECTED)
      await expect(store.check()).rejects.toEqual(REJECTED)
    }
  })
})
