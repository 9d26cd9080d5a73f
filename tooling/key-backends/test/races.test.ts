import { setTimeout as wait } from 'node:timers/promises'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import { aesGcmCryptoProvider, type EncryptionKey, type KeyProvider } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { BACKENDS, type Backend } from './backends.ts'
import { createRandom, type Random } from './random.ts'
import { SCALE, SECOND } from './scene.ts'

const SEED = Number(process.env.TEST_SEED ?? 1)
const ROUNDS = 3 * SCALE
const PLACES = 4

const CONTEXT = new TextEncoder().encode('races')

const only = (key: EncryptionKey): KeyProvider => ({ getKey: async () => key, currentKeyId: async () => key.id })

/** Whether two keys hold the same bytes: what one seals the other opens. */
const isSame = async (one: EncryptionKey, other: EncryptionKey): Promise<boolean> => {
  const sealed = await aesGcmCryptoProvider(only(one)).encrypt(one.id, Uint8Array.of(1), CONTEXT)
  return aesGcmCryptoProvider(only(other))
    .decrypt(sealed, CONTEXT)
    .then(
      () => true,
      () => false,
    )
}

/** Answers come late, and not in the order of the questions. */
const hurry = ({ server }: Backend, random: Random): void => {
  server.inject(() => ({ kind: 'slow', ms: random.below(12) }))
}

/** Lets time pass, slower than the network, until the work is done. */
const during = async <T>(clock: FakeClock, work: Promise<T>): Promise<T> => {
  let isOver = false
  const done = work.finally(() => {
    isOver = true
  })
  done.catch(() => {})
  while (!isOver) {
    await clock.advance(100)
    await wait(1)
  }
  return done
}

const settled = async (call: Promise<unknown>): Promise<void> => void (await call.catch(() => {}))

describe.each(BACKENDS)(`%s, from ${PLACES} places at once (seed ${SEED})`, (_, start) => {
  it('makes one key of each id, which nobody ever reads with other bytes', { timeout: 60_000 * SCALE }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const random = createRandom(SEED + round)
      const clock = fakeClock(Date.UTC(2026, 10, 1))
      const backend = await start(clock)
      hurry(backend, random)
      const reader = backend.connect()
      const seen: EncryptionKey[] = []
      let isOver = false
      const read = async (): Promise<void> => {
        while (!isOver) {
          const ids = await reader.validKeyIds?.().catch(() => [])
          for (const id of ids ?? []) {
            // A key that is on its way may be refused, and is never another one.
            const key = await reader.getKey(id).catch(() => null)
            if (key !== null) seen.push(key)
          }
          await clock.sleep(300)
        }
      }
      const reading = read()
      const create = async (): Promise<string> => {
        await clock.sleep(random.below(4) * SECOND + random.below(SECOND))
        return backend.createKey('orders-1')
      }
      const ids = await during(clock, Promise.all(Array.from({ length: PLACES }, create)))
      isOver = true
      await during(clock, settled(reading))
      expect(new Set(ids).size).toBe(1)
      const key = await backend.connect().getKey(ids[0] ?? '')
      if (key === null) throw new Error('There is no key.')
      for (const other of seen) expect([other.id, await isSame(key, other)]).toEqual([key.id, true])
      expect(await during(clock, backend.createKey('orders-1'))).toBe(key.id)
      await backend.close()
    }
  })

  it('makes one of two keys current, and both open', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const random = createRandom(SEED + round)
      const clock = fakeClock(Date.UTC(2026, 10, 1))
      const backend = await start(clock)
      const made: string[] = []
      for (const keyId of ['orders-1', 'orders-2', 'orders-3']) {
        const id = await during(clock, backend.createKey(keyId))
        made.push(id)
        // Where versions are keys, there is one next key at a time.
        if (keyId !== 'orders-3') await backend.promoteKey(id)
      }
      hurry(backend, random)
      const [, second = '', third = ''] = made
      const promote = async (id: string): Promise<void> => {
        await wait(random.below(10))
        await settled(backend.promoteKey(id))
      }
      await during(clock, Promise.all([second, third, third, second].map(promote)))
      const provider = backend.connect()
      expect([second, third]).toContain(await during(clock, provider.currentKeyId()))
      for (const id of made) expect((await during(clock, provider.getKey(id)))?.id).toBe(id)
      await backend.close()
    }
  })

  it('retires a key once, and at the same moment for all', async () => {
    const random = createRandom(SEED)
    const clock = fakeClock(Date.UTC(2026, 10, 1))
    const backend = await start(clock)
    const first = await during(clock, backend.createKey('orders-1'))
    await backend.promoteKey(first)
    const second = await during(clock, backend.createKey('orders-2'))
    await backend.promoteKey(second)
    await expect(backend.retireKey(second, 0)).rejects.toMatchObject({ code: 'Validation', facts: { field: 'keyId' } })
    hurry(backend, random)
    await during(clock, Promise.all(Array.from({ length: PLACES }, () => backend.retireKey(first, 10 * SECOND))))
    const again = await during(clock, backend.retireKey(first, 100 * SECOND))
    const expiresAt = (await backend.connect().getKey(first))?.expiresAt
    expect(expiresAt?.getTime()).toBeLessThanOrEqual(clock.now() + 10 * SECOND)
    expect(again.getTime()).toBe((expiresAt?.getTime() ?? 0) + 60 * SECOND)
    expect((await backend.connect().getKey(second))?.expiresAt).toBeUndefined()
    await backend.close()
  })
})
