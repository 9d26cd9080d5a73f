import { randomBytes } from 'node:crypto'
import { QueueError } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it } from 'vitest'
import { keyObjectOf } from '../src/encryption-key.ts'
import { type CachedKeyProviderOptions, cachedKeyProvider, EncryptionKey, type KeyProvider } from '../src/index.ts'
import { keyBytes, type LogLine, NOW } from './support.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** A key store that counts what it is asked and fails as it is told. */
const store = (options: CachedKeyProviderOptions & { canList?: boolean } = {}) => {
  const { canList = true, ...cacheOptions } = options
  const clock = fakeClock(NOW)
  const lines: LogLine[] = []
  const asked = { getKey: [] as string[], currentKeyId: 0, validKeyIds: 0 }
  const secrets = new Map([
    ['a', 0],
    ['b', 50],
  ])
  const made: EncryptionKey[] = []
  const state: { failure: Error | undefined; gate: Promise<void> | undefined; current: string } = {
    failure: undefined,
    gate: undefined,
    current: 'a',
  }
  const answer = async <T>(value: () => T): Promise<T> => {
    await state.gate
    if (state.failure !== undefined) throw state.failure
    return value()
  }
  const source: KeyProvider = {
    getKey: (keyId) => {
      asked.getKey.push(keyId)
      return answer(() => {
        const first = secrets.get(keyId)
        if (first === undefined) return null
        const key = EncryptionKey.fromBytes(keyId, keyBytes(first))
        made.push(key)
        return key
      })
    },
    currentKeyId: () => {
      asked.currentKeyId += 1
      return answer(() => state.current)
    },
    ...(canList && {
      validKeyIds: () => {
        asked.validKeyIds += 1
        return answer(() => [...secrets.keys()])
      },
    }),
  }
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const cache = cachedKeyProvider(source, { clock, logger, ...cacheOptions })
  return { cache, clock, asked, secrets, made, state, lines }
}

const isAlive = (key: EncryptionKey | null | undefined): boolean => {
  try {
    return key !== null && key !== undefined && keyObjectOf(key) !== undefined
  } catch {
    return false
  }
}

describe('cachedKeyProvider (X16, protocol.md 6)', () => {
  it('asks once for all who ask at the same time, and then not until the time is over (PF6)', async () => {
    const { cache, clock, asked } = store()
    const keys = await Promise.all(Array.from({ length: 50 }, () => cache.getKey('a')))
    expect(new Set(keys).size).toBe(1)
    await Promise.all(Array.from({ length: 50 }, () => cache.currentKeyId()))
    await clock.advance(4 * MINUTE - 1)
    await cache.getKey('a')
    expect(asked.getKey).toEqual(['a'])
    expect(asked.currentKeyId).toBe(1)
  })

  it('fetches anew in the background before the time is over, so that nobody waits', async () => {
    const { cache, clock, asked, state } = store({ ttlMs: 100, refreshAheadMs: 20 })
    const first = await cache.getKey('a')
    const gate = Promise.withResolvers<void>()
    await clock.advance(85)
    await cache.validKeyIds?.()
    state.gate = gate.promise
    expect(await cache.getKey('a')).toBe(first)
    expect(asked.getKey).toHaveLength(2)
    gate.resolve()
    await clock.advance(90)
    state.gate = undefined
    expect(isAlive(await cache.getKey('a'))).toBe(true)
    expect(asked.getKey).toHaveLength(3)
  })

  it('outlives an outage with the keys it knows, up to the limit, and says so', async () => {
    const { cache, clock, state, lines } = store()
    const key = await cache.getKey('a')
    await cache.currentKeyId()
    state.failure = new Error('password=hunter2')
    await clock.advance(59 * MINUTE)
    expect(await cache.getKey('a')).toBe(key)
    expect(await cache.currentKeyId()).toBe('a')
    expect(lines.some(({ level, text }) => level === 'warn' && text.includes('cached answer'))).toBe(true)
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    await clock.advance(MINUTE)
    await expect(cache.getKey('a')).rejects.toThrow('hunter2')
    await expect(cache.currentKeyId()).rejects.toThrow('hunter2')
    state.failure = undefined
    await clock.advance(5 * SECOND)
    expect(isAlive(await cache.getKey('a'))).toBe(true)
  })

  it('asks a store that is down once a second at most', async () => {
    const { cache, clock, state, asked } = store({ keyIds: ['a'] })
    await cache.getKey('a')
    state.failure = new Error('down')
    await clock.advance(6 * MINUTE)
    for (let tenth = 0; tenth < 50; tenth += 1) {
      expect(isAlive(await cache.getKey('a'))).toBe(true)
      await clock.advance(SECOND / 10)
    }
    expect(asked.getKey.length - 1).toBeLessThanOrEqual(6)
  })

  it('takes a flood of random ids to a store that is down at most once in 5 s, from the start', async () => {
    const { cache, clock, asked, state } = store()
    state.failure = new Error('down')
    for (let second = 0; second < 10; second += 1) {
      const ids = Array.from({ length: 100 }, () => `x${randomBytes(8).toString('hex')}`)
      const results = await Promise.allSettled(ids.map((id) => cache.getKey(id)))
      expect(results.every(({ status }) => status === 'rejected')).toBe(true)
      await clock.advance(SECOND)
    }
    expect(asked).toMatchObject({ getKey: [], validKeyIds: 2 })
  })

  it('takes a flood of random ids to the store at most once in 5 s (attack 30)', async () => {
    const { cache, clock, asked } = store()
    await cache.getKey('a')
    asked.validKeyIds = 0
    for (let round = 0; round < 10; round += 1) {
      const ids = Array.from({ length: 1_000 }, () => randomBytes(8).toString('hex'))
      const keys = await Promise.all(ids.map((id) => cache.getKey(`x${id}`)))
      expect(keys.every((key) => key === null)).toBe(true)
      await clock.advance(SECOND)
    }
    expect(asked.getKey).toEqual(['a'])
    expect(asked.validKeyIds).toBeLessThanOrEqual(2)
    expect(isAlive(await cache.getKey('a'))).toBe(true)
  })

  it('bounds lookups by a token bucket where the source cannot list, and remembers what is not there', async () => {
    const { cache, clock, asked } = store({ canList: false })
    expect(cache.validKeyIds).toBeUndefined()
    const flood = (prefix: string) =>
      Promise.all(Array.from({ length: 200 }, (_, index) => cache.getKey(`${prefix}${index}`)))
    await flood('x')
    expect(asked.getKey).toHaveLength(10)
    await clock.advance(SECOND)
    await flood('x')
    expect(asked.getKey).toHaveLength(20)
    await clock.advance(10 * SECOND)
    expect(isAlive(await cache.getKey('a'))).toBe(true)
    await flood('y')
    expect(isAlive(await cache.getKey('a'))).toBe(true)
  })

  it('does not take an id for unknown while the list cannot be had: a new key is held, not given up', async () => {
    const { cache, clock, secrets, state } = store()
    await cache.getKey('a')
    secrets.set('c', 100)
    state.failure = new Error('down')
    await clock.advance(6 * SECOND)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(cache.getKey('c')).rejects.toThrow('down')
      await clock.advance(SECOND)
    }
    expect(isAlive(await cache.getKey('a'))).toBe(true)
    state.failure = undefined
    await clock.advance(5 * SECOND)
    expect(isAlive(await cache.getKey('c'))).toBe(true)
  })

  it('keeps what it knows while ids that were never loaded pour in', async () => {
    const { cache, clock, state } = store({ canList: false, maxKeys: 20 })
    await cache.getKey('a')
    state.failure = new Error('down')
    await clock.advance(6 * MINUTE)
    for (let second = 0; second < 5; second += 1) {
      const ids = Array.from({ length: 30 }, (_, index) => `x${second}-${index}`)
      await Promise.allSettled(ids.map((id) => cache.getKey(id)))
      await clock.advance(SECOND)
    }
    expect(isAlive(await cache.getKey('a'))).toBe(true)
  })

  it('asks again after a source that threw at once', async () => {
    let calls = 0
    const source: KeyProvider = {
      getKey: () => {
        calls += 1
        throw new Error('at once')
      },
      currentKeyId: () => {
        calls += 1
        throw new Error('at once')
      },
    }
    const clock = fakeClock(NOW)
    const cache = cachedKeyProvider(source, { clock, logger: false, keyIds: ['a'] })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(cache.currentKeyId()).rejects.toThrow('at once')
      await expect(cache.getKey('a')).rejects.toThrow('at once')
      await clock.advance(2 * SECOND)
    }
    expect(calls).toBe(6)
  })

  it('is not confused by a clock that is set back', async () => {
    const clock = fakeClock(NOW)
    let now = NOW
    const movable = { now: () => now, sleep: clock.sleep }
    let isDown = false
    const source: KeyProvider = {
      getKey: async (id) => {
        if (isDown) throw new Error('down')
        return EncryptionKey.fromBytes(id, keyBytes(0))
      },
      currentKeyId: async () => 'a',
    }
    const cache = cachedKeyProvider(source, { clock: movable, logger: false, lookupsPerSecond: 2 })
    isDown = true
    await expect(cache.getKey('a')).rejects.toThrow('down')
    isDown = false
    now -= 60 * MINUTE
    expect(isAlive(await cache.getKey('b'))).toBe(true)
    now += 1_000
    expect(isAlive(await cache.getKey('c'))).toBe(true)
  })

  it('takes a source that resolves with undefined for one that has no such key', async () => {
    const source: KeyProvider = { getKey: async () => undefined as never, currentKeyId: async () => 'a' }
    expect(await cachedKeyProvider(source, { logger: false }).getKey('a')).toBeNull()
  })

  it('takes the configured ids for the list where listing is denied', async () => {
    const { cache, asked } = store({ keyIds: ['a'] })
    expect(await cache.getKey('b')).toBeNull()
    expect(isAlive(await cache.getKey('a'))).toBe(true)
    expect(await cache.validKeyIds?.()).toEqual(['a'])
    expect(asked).toMatchObject({ getKey: ['a'], validKeyIds: 0 })
  })

  it('never asks for what is not in the grammar of key ids (attack 31)', async () => {
    const { cache, asked } = store({ canList: false })
    for (const id of ['', '../a', 'a/b', 'a\n', 'é']) expect(await cache.getKey(id)).toBeNull()
    expect(asked.getKey).toEqual([])
  })

  it('sees a new key within 5 s of its publication, and loses a removed one with the list', async () => {
    const { cache, clock, secrets } = store()
    await cache.getKey('a')
    secrets.set('c', 100)
    expect(await cache.getKey('c')).toBeNull()
    await clock.advance(5 * SECOND)
    expect(isAlive(await cache.getKey('c'))).toBe(true)
    secrets.delete('c')
    await clock.advance(MINUTE)
    expect(await cache.getKey('c')).toBeNull()
  })

  it('keeps the known key where the store has other bytes under its id, and raises an alarm', async () => {
    const { cache, clock, secrets, lines } = store()
    const key = await cache.getKey('a')
    secrets.set('a', 200)
    await clock.advance(6 * MINUTE)
    expect(await cache.getKey('a')).toBe(key)
    expect(lines.map(({ level, fields }) => [level, fields.error_type, fields.key_id])).toEqual([
      ['error', 'KeyMaterialChanged', 'a'],
    ])
  })

  it('refuses a key that the store has disabled since, and does not serve it as if the store were down', async () => {
    const { cache, clock, state, asked } = store({ keyIds: ['a'] })
    const key = await cache.getKey('a')
    state.failure = new QueueError('KeyDisabled', 'disabled')
    await clock.advance(6 * MINUTE)
    await expect(cache.getKey('a')).rejects.toMatchObject({ code: 'KeyDisabled' })
    await expect(cache.getKey('a')).rejects.toMatchObject({ code: 'KeyDisabled' })
    expect([isAlive(key), asked.getKey.length]).toEqual([false, 2])
    state.failure = undefined
    await clock.advance(30 * SECOND)
    expect(isAlive(await cache.getKey('a'))).toBe(true)
  })

  it('revokes at once, and a fetch that is under way does not bring the key back', async () => {
    const { cache, state, made, asked } = store({ keyIds: ['a', 'b'] })
    const known = await cache.getKey('a')
    cache.revoke('a')
    expect(isAlive(known)).toBe(false)
    await expect(cache.getKey('a')).rejects.toMatchObject({ code: 'KeyDisabled' })

    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const fetching = cache.getKey('b')
    await new Promise((resolve) => setImmediate(resolve))
    cache.revoke('b')
    gate.resolve()
    await expect(fetching).rejects.toMatchObject({ code: 'KeyDisabled' })
    expect(made.map(isAlive)).toEqual([false, false])
    await expect(cache.getKey('b')).rejects.toMatchObject({ code: 'KeyDisabled' })
    expect(asked.getKey).toEqual(['a', 'b'])
  })

  it('keeps a bounded number of keys and disposes the one that was used longest ago', async () => {
    const { cache, asked } = store({ maxKeys: 1, canList: false })
    const first = await cache.getKey('a')
    const second = await cache.getKey('b')
    expect([isAlive(first), isAlive(second)]).toEqual([false, true])
    expect(isAlive(await cache.getKey('a'))).toBe(true)
    expect(asked.getKey).toEqual(['a', 'b', 'a'])
  })

  it('disposes every key when it is closed, also one that arrives later', async () => {
    const { cache, state, made } = store({ keyIds: ['a', 'b'] })
    await cache.getKey('a')
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const fetching = cache.getKey('b')
    fetching.catch(() => {})
    await cache.close()
    gate.resolve()
    await expect(fetching).rejects.toMatchObject({ code: 'KeyProviderError' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(made.map(isAlive)).toEqual([false, false])
    await expect(cache.getKey('a')).rejects.toMatchObject({ code: 'KeyProviderError' })
  })

  it('lets one caller go without stopping the fetch for the others', async () => {
    const { cache, state } = store({ keyIds: ['a'] })
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const stop = new AbortController()
    const impatient = cache.getKey('a', { signal: stop.signal })
    const patient = cache.getKey('a')
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(impatient).rejects.toBe(reason)
    gate.resolve()
    expect(isAlive(await patient)).toBe(true)
  })

  it('names the option that is wrong (C23)', () => {
    const source: KeyProvider = { getKey: async () => null, currentKeyId: async () => 'a' }
    for (const [options, field] of [
      [{ ttlMs: 0 }, 'ttlMs'],
      [{ ttlMs: 10, refreshAheadMs: 10 }, 'refreshAheadMs'],
      [{ ttlMs: 10, maxStaleMs: 9 }, 'maxStaleMs'],
      [{ keyIds: ['a/b'] }, 'keyIds'],
      [{ ttl: 5 }, 'ttl'],
    ] as const) {
      expect(() => cachedKeyProvider(source, options as CachedKeyProviderOptions)).toThrow(
        expect.objectContaining({ code: 'Configuration', facts: { field } }),
      )
    }
    expect(() => cachedKeyProvider({} as KeyProvider)).toThrow(expect.objectContaining({ facts: { field: 'source' } }))
  })
})
