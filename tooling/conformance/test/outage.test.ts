import { isQueueError, type QueueClient, QueueError, type ReceivedMessage } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { minutes, type OutageScene, setScene, watched } from './outage-support.ts'

const STORES = ['keyStore', 'nonces'] as const
const WAYS = ['receive', 'receiveBatch', 'messages', 'consume'] as const

/** How an application takes messages, waiting out what it is told to wait out, until the client closes. */
const TAKE: Record<
  (typeof WAYS)[number],
  (client: QueueClient, scene: OutageScene, handle: (message: ReceivedMessage) => Promise<void>) => Promise<void>
> = {
  async receive(client, scene, handle) {
    await untilClosed(scene, async () => {
      const message = await client.receive()
      if (message !== null) await handle(message)
    })
  },
  async receiveBatch(client, scene, handle) {
    await untilClosed(scene, async () => {
      const { messages } = await client.receiveBatch({ maxMessages: 3 })
      for (const message of messages) await handle(message)
    })
  },
  async messages(client, _, handle) {
    for await (const message of client.messages()) await handle(message)
  },
  async consume(client, _, handle) {
    await client.consume(handle).finished
  },
}

/** Calls again and again, after the time that an error asks for, and ends with the client. */
async function untilClosed({ clock }: OutageScene, call: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await call()
    } catch (error) {
      if (isQueueError(error, 'ClientClosed')) return
      await clock.sleep((isQueueError(error) ? error.retryAfterMs : undefined) ?? 1_000)
    }
  }
}

const SCENES = STORES.flatMap((store) =>
  WAYS.flatMap((way) => [2, 10, 20].map((length) => [store, way, length] as const)),
)

describe('an outage of a store, with the real crypto (protocol.md 4.2, I5)', () => {
  it.each(SCENES)(
    '%s, %s, %i min: every message is handled once, in order, for one delivery per lapsed lock',
    async (store, way, length) => {
      const scene = setScene()
      const { clock } = scene
      const sent = await scene.fill(30)
      let receives = 0
      const provider = watched(scene.provider, () => {
        receives += 1
      })
      const client = scene.client({ provider })
      const handled: string[] = []
      const deliveries: number[] = []
      scene[store].isDown = true
      const taking = TAKE[way](client, scene, async (message) => {
        handled.push(message.text())
        deliveries.push(message.deliveryCount)
        await message.complete()
      })
      await clock.advance(minutes(length))
      const lapses = Math.floor((length * 60) / 330)
      expect(handled).toEqual([])
      // Only what lapsed made room for another look at the queue.
      expect(receives).toBe(1 + lapses)
      expect(scene[store].calls).toBeLessThan(40 + length * 20)

      scene[store].isDown = false
      await clock.advance(minutes(2))
      expect(handled).toEqual(sent)
      expect(Math.max(...deliveries)).toBe(1 + lapses)
      expect(deliveries.filter((count) => count > 1).length).toBeLessThanOrEqual(
        lapses > 0 ? (way === 'receiveBatch' ? 3 : 1) : 0,
      )
      expect(scene.stored()).toEqual([])
      await client.close()
      await taking
    },
  )

  it.each(STORES)('%s: is seen in gauge and log once, and its end too', async (store) => {
    const scene = setScene()
    const { clock, lines } = scene
    await scene.fill(5)
    const client = scene.client()
    const consumer = client.consume(() => {})
    for (let outages = 0; outages < 3; outages += 1) {
      scene[store].isDown = true
      await scene.fill(3)
      await clock.advance(minutes(3))
      expect(consumer.state).toBe('paused')
      scene[store].isDown = false
      await clock.advance(minutes(2))
      expect(consumer.state).toBe('running')
    }
    const told = lines.filter(({ text }) => text.includes('utage')).map(({ level, text }) => `${level}: ${text}`)
    const once = ['error: Outage: intake pauses', 'info: The outage is over']
    expect(told).toEqual([...once, ...once, ...once])
    expect(scene.stored()).toEqual([])
    await client.close()
  })

  it.each(STORES)(
    '%s: a client that closes in it gives all back at once, and the next one finds nothing claimed',
    async (store) => {
      for (const way of WAYS) {
        const scene = setScene()
        const { clock } = scene
        const sent = await scene.fill(7)
        const client = scene.client()
        scene[store].isDown = true
        const taking = TAKE[way](client, scene, () => Promise.reject(new Error('Nothing can be opened.')))
        await clock.advance(minutes(2))
        await client.close()
        await clock.advance(minutes(1))
        await taking
        expect(scene.stored().map(([state]) => state)).toEqual(sent.map(() => 'active'))
        scene[store].isDown = false
        const refused: string[] = []
        const next = scene.client({ onRejected: ({ error }) => void refused.push(error.code) })
        const { messages } = await next.receiveBatch({ maxMessages: 10, waitMs: 0 })
        expect([messages.map((message) => message.text()), refused]).toEqual([sent, []])
        for (const message of messages) await message.complete()
        await next.close()
        expect(scene.stored()).toEqual([])
      }
    },
  )

  it('that strikes between the claim and the answer leaves the message to the same delivery: its own claim is no replay', async () => {
    const scene = setScene()
    const { clock, nonces } = scene
    await scene.fill(1)
    const refused: string[] = []
    const client = scene.client({ onRejected: ({ error }) => void refused.push(error.code) })
    nonces.isDown = 'after the effect'
    await expect(client.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'NonceStoreUnavailable' })
    await clock.advance(20_000)
    nonces.isDown = false
    await clock.advance(20_000)
    const message = await client.receive({ waitMs: 0 })
    await message?.complete()
    expect([message?.deliveryCount, refused, scene.stored()]).toEqual([1, ['NonceStoreUnavailable'], []])
    await client.close()
  })

  it('of the nonce store does not keep the lock from being renewed, nor the message from being claimed anew', async () => {
    const scene = setScene()
    const { clock, keyStore, nonces } = scene
    await scene.fill(2)
    const client = scene.client()
    const texts: string[] = []
    const work = Promise.withResolvers<void>()
    const consumer = client.consume(async (message) => {
      texts.push(message.text())
      await work.promise
    })
    await clock.advance(1_000)
    nonces.isDown = true
    // Longer than the lease of the claim.
    await clock.advance(minutes(2))
    expect([scene.stored(), consumer.state]).toEqual([
      [
        ['locked', 1],
        ['active', 0],
      ],
      'running',
    ])
    nonces.isDown = false
    work.resolve()
    await clock.advance(minutes(1))
    expect([texts, scene.stored(), keyStore.isDown]).toEqual([['message 0', 'message 1'], [], false])
    await client.close()
  })

  it('that ends when the messages are too old leaves each a dead letter with a reason, none lost', async () => {
    const scene = setScene({ maxMessageAgeMs: minutes(5), nonceCacheTtlMs: minutes(10) })
    const { clock, keyStore, queue } = scene
    await scene.fill(5)
    const client = scene.client()
    keyStore.isDown = true
    client.consume(() => {})
    await clock.advance(minutes(20))
    keyStore.isDown = false
    await clock.advance(minutes(5))
    expect(scene.stored()).toEqual([])
    expect(queue.deadLetters().map(({ deadLettered }) => deadLettered?.reason)).toEqual(
      Array.from({ length: 5 }, () => 'qr.expired'),
    )
    await client.close()
  })
})

describe('an outage of the broker beside one of a store (R5)', () => {
  it('is waited out: all is handled when both are over, and nothing is handled twice', async () => {
    const scene = setScene()
    const { clock, keyStore } = scene
    let isBrokerDown = false
    const sent = await scene.fill(20)
    const client = scene.client({
      provider: watched(scene.provider, () => {
        if (isBrokerDown) throw new QueueError('ConnectionFailed', 'down')
      }),
    })
    const handled: string[] = []
    const consumer = client.consume((message) => void handled.push(message.text()), { concurrency: 5 })
    await clock.advance(0)
    const before = handled.length
    keyStore.isDown = true
    isBrokerDown = true
    await scene.fill(20)
    await clock.advance(minutes(4))
    isBrokerDown = false
    await clock.advance(minutes(4))
    expect(consumer.state).toBe('paused')
    keyStore.isDown = false
    await clock.advance(minutes(3))
    expect([before, consumer.state, handled.length, new Set(handled).size]).toEqual([20, 'running', 40, 20])
    expect([scene.stored(), sent.length]).toEqual([[], 20])
    await client.close()
  })
})
