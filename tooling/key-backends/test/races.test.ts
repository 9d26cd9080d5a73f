import { setTimeout as wait } from 'node:timers/promises'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import { aesGcmCryptoProvider, type EncryptionKey, type KeyProvider } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { BACKENDS, type Backend } from './backends.ts'
import { createRandom, type Random } from './random.ts'
import { SCALE, SECOND } from './scene.ts'

const SEED = Number(process.env.TEST_SEED ?? 1)
const ROUNDS = 3 * SCALE
const PLACES = 5

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
  server.inject(() => ({ kind: 'slow', ms: random.below(8) }))
}

/** Lets time pass, slower than the network, until the work is done. */
const during = async <T>(clock: FakeClock, work: Promise<T>): Promise<T> => {
  let isOver = false
  const done = work.finally(() => {
    isOver = true
  })
  done.catch(() => {})
  while (!isOver) {
    await clock.advance(25)
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
      const seen: EncryptionKey[] = []
      let isOver = false
      const reader = backend.connect()
      const read = async (): Promise<void> => {
        while (!isOver) {
          const ids = await reader.validKeyIds?.().catch(() => [])
          // A key that is on its way may be refused, and is never another one.
          const keys = await Promise.all((ids ?? []).map((id) => reader.getKey(id).catch(() => null)))
          seen.push(...keys.filter((key) => key !== null))
          await clock.sleep(100)
        }
      }
      const reading = [read(), read()]
      const made = new Map<string, EncryptionKey>()
      for (const keyId of ['orders-1', 'orders-2']) {
        const spread = random.below(2) === 0 ? SECOND : 4 * SECOND
        const create = async (): Promise<string> => {
          await clock.sleep(random.below(spread))
          return backend.createKey(keyId)
        }
        const ids = await during(clock, Promise.all(Array.from({ length: PLACES }, create)))
        const [id = ''] = ids
        expect(new Set(ids).size).toBe(1)
        expect(await during(clock, backend.createKey(keyId))).toBe(id)
        const key = await during(clock, backend.connect().getKey(id))
        if (key !== null) made.set(id, key)
        await during(clock, backend.promoteKey(id))
      }
      isOver = true
      await during(clock, Promise.all(reading))
      expect(made.size).toBe(2)
      for (const other of seen) {
        const key = made.get(other.id)
        expect(key !== undefined && (await isSame(key, other))).toBe(true)
      }
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
    expect(expiresAt?.getTime()).toBeLessThanOrEqual(clock.now() + 11 * SECOND)
    expect(again.getTime()).toBe((expiresAt?.getTime() ?? 0) + 60 * SECOND)
    expect((await backend.connect().getKey(second))?.expiresAt).toBeUndefined()
    await backend.close()
  })
})
