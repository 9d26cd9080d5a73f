import { describe, expect, it, onTestFinished } from 'vitest'
import { skippingClock } from '../../src/clock.ts'
import { createQueueKeys, memoryKeyShelf } from '../../src/lab/queue-keys.ts'
import { recordingLogger } from '../helpers.ts'

const open = (change: (shelf: ReturnType<typeof memoryKeyShelf>) => Partial<ReturnType<typeof memoryKeyShelf>>) => {
  const clock = skippingClock()
  const shelf = memoryKeyShelf('key')
  const { logger, lines } = recordingLogger()
  const keys = createQueueKeys({ shelf: { ...shelf, ...change(shelf) }, reached: (store) => store, clock, logger })
  const hurrying = setInterval(() => clock.skip(500), 10)
  onTestFinished(async () => {
    clearInterval(hurrying)
    await keys.close()
  })
  return { keys, lines }
}

const { signal } = new AbortController()

describe('a rotation', () => {
  it('makes a key current only when the bot can read it, and ends when the router seals with it', async () => {
    const known: boolean[] = []
    const { keys } = open((shelf) => ({
      async promote(keyId) {
        known.push((await keys.bot.getKey(keyId)) !== null)
        await shelf.promote(keyId)
      },
    }))
    // The bot knows the list, and would not ask for another one so soon.
    expect(await keys.bot.getKey('key')).not.toBeNull()
    const keyId = await keys.rotate(signal)
    expect(known).toEqual([true])
    expect(await keys.router.currentKeyId()).toBe(keyId)
    expect(await keys.bot.getKey('key')).not.toBeNull()
    expect((await keys.list()).map(({ id, isCurrent }) => [id, isCurrent])).toEqual([
      [keyId, true],
      ['key', false],
    ])
  })

  it('ends when the demo does', async () => {
    const { keys } = open(() => ({ create: async () => 'never-there' }))
    const ending = new AbortController()
    const rotating = keys.rotate(ending.signal)
    ending.abort()
    await expect(rotating).rejects.toThrow()
  })
})

describe('the keys of a queue', () => {
  it('count what the store is asked because of ids that nobody knows, and bound it', async () => {
    const { keys } = open(() => ({}))
    expect(await keys.bot.getKey('key')).not.toBeNull()
    const before = keys.strangeLookups
    for (let id = 0; id < 1_000; id += 1) expect(await keys.bot.getKey(`strange-${id}`)).toBeNull()
    expect(keys.strangeLookups - before).toBeLessThan(20)
  })

  it('show no bytes', async () => {
    const { keys } = open(() => ({}))
    expect(JSON.stringify(await keys.list())).toMatch(/^\[\{"id":"key","createdAt":\d+,"isCurrent":true\}\]$/)
  })
})
