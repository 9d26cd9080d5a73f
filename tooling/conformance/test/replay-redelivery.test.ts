import { QueueError, type QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import { copyOf, glance, LOCK_MS, minutes, setScene, take } from './replay-support.ts'

/** A provider whose deliveries are changed on the way. */
const changing =
  (change: (delivery: Delivery) => Partial<Delivery>) =>
  (provider: QueueProvider): QueueProvider => ({
    name: provider.name,
    open(queue) {
      const transport = provider.open(queue)
      return {
        ...transport,
        receive: async (options) =>
          (await transport.receive(options)).map((delivery) => ({ ...delivery, ...change(delivery) })),
      }
    },
  })

const lost = async (): Promise<never> => {
  throw new QueueError('ConnectionFailed', 'The acknowledgement is lost.')
}

const sent = async (...parameters: Parameters<typeof setScene>) => {
  const scene = setScene(...parameters)
  await scene.client().send({ body: 'pay 12', messageId: 'm-1' })
  return scene
}

const isEmpty = ({ queue }: Pick<ReturnType<typeof setScene>, 'queue'>): boolean =>
  queue.messages().length + queue.deadLetters().length === 0

describe('a redelivery is handed over (attack 21)', () => {
  it('after an abandon, at once', async () => {
    const scene = await sent()
    const [one, other] = [scene.client(), scene.client()]
    for (const consumer of [one, one, other, one]) await (await take(consumer)).abandon()
    const message = await take(other)
    expect(message.deliveryCount).toBe(5)
    await message.complete()
    expect(isEmpty(scene)).toBe(true)
  })

  it('after its handler threw', async () => {
    const scene = await sent()
    const seen: number[] = []
    const consumer = scene.client().consume((message) => {
      seen.push(message.deliveryCount)
      if (seen.length < 3) throw new Error('again')
    })
    await scene.clock.advance(minutes(1))
    await consumer.close()
    expect([seen, isEmpty(scene)]).toEqual([[1, 2, 3], true])
  })

  it('after an abandon, though it is too old by then: it was accepted when it was fresh', async () => {
    const scene = await sent()
    const consumer = scene.client()
    await (await take(consumer)).abandon({ delayMs: minutes(8) })
    await scene.clock.advance(minutes(8))
    await (await take(consumer)).complete()
    expect(isEmpty(scene)).toBe(true)
  })

  it('after its lock ended; whoever had it before can settle nothing', async () => {
    const scene = await sent()
    const [one, other] = [scene.client(), scene.client()]
    const late = await take(one)
    await scene.clock.advance(LOCK_MS)
    const message = await take(other)
    await expect(late.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    await message.abandon()
    await (await take(one)).complete()
    expect([isEmpty(scene), scene.rejected]).toEqual([true, []])
  })

  it('after a crash, when the lock ends', async () => {
    const scene = await sent()
    await take(scene.client())
    const restarted = scene.client()
    await scene.clock.advance(LOCK_MS - 1)
    expect(await glance(restarted)).toBeNull()
    await scene.clock.advance(1)
    await (await take(restarted)).complete()
    expect([isEmpty(scene), scene.rejected]).toEqual([true, []])
  })

  it('after its client closed, at once', async () => {
    const scene = await sent()
    const one = scene.client()
    await take(one)
    await one.close()
    await (await take(scene.client())).complete()
    expect([isEmpty(scene), scene.rejected]).toEqual([true, []])
  })

  it('after a receive was aborted, at once', async () => {
    const scene = await sent()
    const stop = new AbortController()
    const claim: typeof scene.nonceStore.claim = async (requests) => {
      const answers = await scene.nonceStore.claim(requests)
      stop.abort(new Error('enough'))
      return answers
    }
    const one = scene.client({ nonceStore: { ...scene.nonceStore, claim } })
    await expect(one.receive({ signal: stop.signal })).rejects.toThrow('enough')
    await one.close()
    await (await take(scene.client())).complete()
    expect([isEmpty(scene), scene.rejected]).toEqual([true, []])
  })

  it('after the broker moved it back from its dead letters', async () => {
    const scene = await sent()
    const consumer = scene.client()
    const copy = copyOf(scene.queue)
    await (await take(consumer)).deadLetter({ reason: 'later' })
    for (const { brokerMessageId } of scene.queue.deadLetters()) scene.queue.remove(brokerMessageId)
    scene.queue.put(copy)
    await (await take(consumer)).complete()
    expect(isEmpty(scene)).toBe(true)
  })
})

describe('a lost acknowledgement (attack 22)', () => {
  it('after the confirm: the message is settled, not handled again', async () => {
    const scene = await sent()
    const handled: string[] = []
    const unlucky = scene.client(
      {},
      changing(() => ({ complete: lost })),
    )
    const message = await take(unlucky)
    handled.push(message.text())
    await expect(message.complete()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    await scene.clock.advance(LOCK_MS)
    const body = await glance(scene.client())
    expect([handled, body, scene.refusals(), isEmpty(scene)]).toEqual([
      ['pay 12'],
      null,
      ['NonceReused completed: complete'],
      true,
    ])
  })

  it('of the confirm itself: completing again does it', async () => {
    const scene = await sent()
    let isLost = true
    const confirm: typeof scene.nonceStore.confirm = async (...parameters) => {
      const answer = await scene.nonceStore.confirm(...parameters)
      if (isLost) throw new Error('lost')
      return answer
    }
    const message = await take(scene.client({ nonceStore: { ...scene.nonceStore, confirm } }))
    await expect(message.complete()).rejects.toMatchObject({ code: 'NonceStoreUnavailable' })
    expect(scene.queue.messages()).toHaveLength(1)
    isLost = false
    await message.complete()
    expect(isEmpty(scene)).toBe(true)
  })

  it('of an abandon: the message comes back when its lock ends', async () => {
    const scene = await sent()
    const unlucky = scene.client(
      {},
      changing(() => ({ abandon: lost })),
    )
    await expect((await take(unlucky)).abandon()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    await scene.clock.advance(LOCK_MS)
    await (await take(scene.client())).complete()
    expect(isEmpty(scene)).toBe(true)
  })
})

describe('a claim lives with its lock', () => {
  it('renewed with it: a copy stays in-flight for as long as the lock is renewed', async () => {
    const scene = await sent()
    const copy = copyOf(scene.queue)
    const [one, other] = [scene.client(), scene.client()]
    const message = await take(one)
    for (let renewals = 0; renewals < 30; renewals += 1) {
      await scene.clock.advance(LOCK_MS - 1_000)
      await message.renewLock()
    }
    scene.queue.put(copy)
    expect(await glance(other)).toBeNull()
    expect(scene.refusals()).toEqual(['NonceReused in-flight: abandon'])
    await message.complete()
    await scene.clock.advance(5_000)
    expect([await glance(other), isEmpty(scene)]).toEqual([null, true])
  })

  it('is over before the broker delivers again', async () => {
    const scene = await sent()
    const copy = copyOf(scene.queue)
    await take(scene.client())
    scene.queue.put(copy)
    const other = scene.client()
    await scene.clock.advance(LOCK_MS - 251)
    expect(await glance(other)).toBeNull()
    await scene.clock.advance(5_000)
    expect(await glance(other)).toBe('pay 12')
  })

  it.each([
    ['is renewed first under a lock that is about to end', true, 1, []],
    ['is not begun where that lock cannot be renewed', false, 2, ['MessageLockLost: abandon']],
  ] as const)('%s', async (_, isRenewable, deliveryCount, refusals) => {
    const scene = await sent()
    const slow = changing(({ message, renewLock }) => {
      if (message.deliveryCount > 1) return {}
      let lockedUntil = new Date(scene.clock.now() + 250)
      const renewed = async (): Promise<Date> => {
        lockedUntil = await renewLock()
        return lockedUntil
      }
      return {
        message: {
          ...message,
          get lockedUntil() {
            return lockedUntil
          },
        },
        renewLock: isRenewable ? renewed : lost,
      }
    })
    const message = await take(scene.client({}, slow))
    expect([message.deliveryCount, scene.refusals()]).toEqual([deliveryCount, refusals])
    await message.complete()
    expect(isEmpty(scene)).toBe(true)
  })
})
