import { EncryptedMessage } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { copyOf, glance, LOCK_MS, minutes, setScene, take } from './replay-support.ts'

/** A scene in which `body` was sent and whoever can write to the queue has a copy of it. */
const withCopy = async (...parameters: Parameters<typeof setScene>) => {
  const scene = setScene(...parameters)
  await scene.client().send({ body: 'pay 12', messageId: 'm-1' })
  return { ...scene, copy: copyOf(scene.queue) }
}

const reasons = ({ queue }: Pick<ReturnType<typeof setScene>, 'queue'>): (string | undefined)[] =>
  queue.deadLetters().map(({ deadLettered }) => deadLettered?.reason)

describe('a replayed message (protocol.md 9)', () => {
  it.each([
    ['without a nonce store', { nonceStore: undefined }],
    ['with one', {}],
  ])('is expired after the window, %s (attack 16)', async (_, options) => {
    const scene = await withCopy(options)
    for (const { brokerMessageId } of scene.queue.messages()) scene.queue.remove(brokerMessageId)
    await scene.clock.advance(minutes(5) + 1)
    scene.queue.put(scene.copy)
    expect(await glance(scene.client())).toBeNull()
    expect(scene.refusals()).toEqual(['MessageExpired: dead-letter qr.expired'])
    expect(reasons(scene)).toEqual(['qr.expired'])
  })

  it('is handed over within the window where there is no nonce store: a documented limit (attack 17)', async () => {
    const { client, queue, copy } = await withCopy({ nonceStore: undefined })
    const consumer = client()
    await (await take(consumer)).complete()
    queue.put(copy)
    expect(await glance(consumer)).toBe('pay 12')
  })

  it('is settled and not handed over once it was handled (attack 18)', async () => {
    const scene = await withCopy()
    const [one, other] = [scene.client(), scene.client()]
    await (await take(one)).complete()
    for (const consumer of [one, other]) {
      scene.queue.put(scene.copy)
      expect(await glance(consumer)).toBeNull()
    }
    expect(scene.refusals()).toEqual(Array(2).fill('NonceReused completed: complete'))
    expect([scene.queue.messages(), scene.queue.deadLetters()]).toEqual([[], []])
  })

  it('is refused for as long as any clock takes it for fresh, and longer (attack 18)', async () => {
    const { client, queue, copy, clock } = await withCopy()
    const consumer = client()
    await (await take(consumer)).complete()
    for (let minute = 0; minute < 30; minute += 1) {
      queue.put(copy)
      expect(await glance(consumer)).toBeNull()
      await clock.advance(minutes(1))
    }
  })

  it('goes to one of two consumers that have a copy each at the same time (attack 19)', async () => {
    const scene = await withCopy()
    const { queue, copy, clock } = scene
    queue.put(copy)
    const [one, other] = [scene.client(), scene.client()]
    const bodies = await Promise.all([glance(one), glance(other)])
    expect(bodies.filter((body) => body !== null)).toEqual(['pay 12'])
    expect(scene.refusals()).toEqual(['NonceReused in-flight: abandon'])
    await clock.advance(4_999)
    expect(await glance(other)).toBeNull()
    expect(scene.rejected).toHaveLength(1)
    await clock.advance(1)
    expect(await glance(other)).toBeNull()
    expect(scene.refusals()).toEqual(Array(2).fill('NonceReused in-flight: abandon'))
  })

  it('is settled after the other copy was handled meanwhile (attack 19)', async () => {
    const scene = await withCopy()
    scene.queue.put(scene.copy)
    const [one, other] = [scene.client(), scene.client()]
    const message = await take(one)
    expect(await glance(other)).toBeNull()
    await message.complete()
    await scene.clock.advance(5_000)
    expect(await glance(other)).toBeNull()
    expect(scene.refusals()).toEqual(['NonceReused in-flight: abandon', 'NonceReused completed: complete'])
    expect(scene.queue.messages()).toEqual([])
  })

  it('in one batch with its copy is handed over once (attack 19)', async () => {
    const scene = await withCopy()
    scene.queue.put(scene.copy)
    scene.queue.put(scene.copy)
    const { messages } = await scene.client().receiveBatch({ waitMs: 0 })
    expect(messages.map((message) => message.text())).toEqual(['pay 12'])
    expect(scene.refusals()).toEqual(Array(2).fill('NonceReused in-flight: abandon'))
  })

  it('is handled once by consumers in a race, whatever the number of copies (attack 19)', async () => {
    const scene = setScene()
    const sender = scene.client()
    for (let number = 0; number < 40; number += 1) await sender.send({ body: `${number}` })
    for (const { messageId, body } of scene.queue.messages()) {
      for (let copies = 0; copies < 3; copies += 1) scene.queue.put({ messageId, body })
    }
    const handled: number[] = []
    const consumers = [1, 2, 3].map(() =>
      scene.client().consume((message) => void handled.push(Number(message.text())), { concurrency: 5 }),
    )
    await scene.clock.advance(minutes(1))
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(handled.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, number) => number))
    expect([scene.queue.messages(), scene.queue.deadLetters()]).toEqual([[], []])
  })

  it('that was held back until nobody remembers it is too old (attack 23)', async () => {
    const scene = await withCopy()
    const consumer = scene.client()
    await (await take(consumer)).complete()
    await scene.clock.advance(minutes(10) + 1)
    scene.queue.put(scene.copy)
    expect(await glance(consumer)).toBeNull()
    expect(scene.refusals()).toEqual(['MessageExpired: dead-letter qr.expired'])
  })
})

describe('a forgery', () => {
  it('with the nonce of a message does not keep it from being handed over (attack 20)', async () => {
    const scene = await withCopy()
    const { queue, copy } = scene
    for (const { brokerMessageId } of queue.messages()) queue.remove(brokerMessageId)
    const { nonce } = EncryptedMessage.fromBytes(copy.body)
    const forged = copy.body.map((byte, index) => (index === copy.body.length - 1 ? byte ^ 1 : byte))
    expect(EncryptedMessage.fromBytes(forged).nonce).toEqual(nonce)
    queue.put({ ...copy, body: forged })
    queue.put({ ...copy, messageId: 'm-2' })
    queue.put(copy)
    expect(await glance(scene.client())).toBe('pay 12')
    expect(scene.refusals()).toEqual(Array(2).fill('AuthenticationFailed: dead-letter qr.rejected'))
  })
})

describe('whoever can write to the nonce store (attack 25)', () => {
  const suppress = async (scene: Awaited<ReturnType<typeof withCopy>>): Promise<void> => {
    const { keyId, nonce } = EncryptedMessage.fromBytes(scene.copy.body)
    await scene.nonceStore.confirm({ scope: 'orders', keyId, nonce, token: 'any' }, minutes(10))
  }

  it('suppresses a message: a documented limit', async () => {
    const scene = await withCopy()
    await suppress(scene)
    expect(await glance(scene.client())).toBeNull()
    expect(scene.queue.messages()).toEqual([])
  })

  it('cannot where replays are dead-lettered: the message is kept', async () => {
    const scene = await withCopy({ onReplay: 'dead-letter' })
    await suppress(scene)
    const consumer = scene.client()
    expect(await glance(consumer)).toBeNull()
    expect(reasons(scene)).toEqual(['qr.replayed'])
    for await (const letter of consumer.deadLetters().messages()) expect((await letter.open()).text()).toBe('pay 12')
  })
})

describe('while the nonce store is down (attack 24)', () => {
  it('nothing is handed over, and nothing is lost', async () => {
    const scene = await withCopy()
    let isDown = true
    const nonceStore: typeof scene.nonceStore = {
      ...scene.nonceStore,
      claim: (requests) => (isDown ? Promise.reject(new Error('down')) : scene.nonceStore.claim(requests)),
    }
    const consumer = scene.client({ nonceStore })
    await expect(consumer.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'NonceStoreUnavailable' })
    isDown = false
    await scene.clock.advance(LOCK_MS)
    await (await take(consumer)).complete()
    expect([scene.queue.messages(), scene.queue.deadLetters()]).toEqual([[], []])
  })
})
