import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createWork } from '../src/base/work.ts'
import { QueueError } from '../src/index.ts'
import type { Delivery } from '../src/provider.ts'
import { withDelayedAbandon } from '../src/receiving/delayed-abandon.ts'
import { scriptedDelivery } from './client-support.ts'
import { stateOf, watchedClock } from './consuming-support.ts'

const never = new AbortController().signal

/** A receiver of a broker that knows no delay. It has the given deliveries, one after the other. */
const setUp = ({ isOrdered = false, count = 1, change = (delivery: Delivery) => delivery } = {}) => {
  const clock = watchedClock()
  const start = clock.now()
  const closing = new AbortController()
  const work = createWork()
  const log: string[] = []
  const scripted = Array.from({ length: count }, () => scriptedDelivery(clock))
  const left = scripted.map(({ delivery }) => {
    const abandon = async (options: { delayMs: number }): Promise<void> => {
      await delivery.abandon(options)
      log.push(`back at ${clock.now() - start}`)
    }
    return change({ ...delivery, abandon })
  })
  const receiver = withDelayedAbandon(
    {
      async receive({ waitMs }) {
        log.push(`asked at ${clock.now() - start} for ${waitMs}`)
        return left.splice(0, 1)
      },
      close: async () => void log.push('closed'),
    },
    { clock, signal: closing.signal, isOrdered, inBackground: (task) => void work.track(task) },
  )
  const receive = (waitMs = 0, signal = never) => receiver.receive({ maxMessages: 1, waitMs, signal })
  const next = async (): Promise<Delivery> => {
    const [delivery] = await receive()
    log.length = 0
    return delivery as Delivery
  }
  return { clock, closing, work, log, receiver, receive, next, asked: scripted.map(({ asked }) => asked) }
}

describe('a message that is abandoned with a delay at a broker that knows none (C8)', () => {
  it('stays under its renewed lock for that long and is then given back, once', async () => {
    const { clock, next, asked, log, receiver } = setUp()
    const delivery = await next()
    await delivery.abandon({ delayMs: 35_000 })
    expect([asked, receiver.isDelaying]).toEqual([[[]], true])
    await clock.advance(34_999)
    expect(asked).toEqual([['renew', 'renew']])
    await clock.advance(1)
    expect([asked, log, receiver.isDelaying]).toEqual([[['renew', 'renew', 'abandon 0']], ['back at 35000'], false])
    await clock.advance(120_000)
    expect([asked[0]?.length, clock.sleepers]).toEqual([3, 0])
  })

  it('needs no renewal for a delay that is shorter than half of its lock', async () => {
    const { clock, next, asked } = setUp()
    await (await next()).abandon({ delayMs: 5_000 })
    await clock.advance(5_000)
    expect([asked, clock.sleepers]).toEqual([[['abandon 0']], 0])
  })

  it('goes back at once without a delay, and where its lock is gone the broker says so', async () => {
    const { clock, next, asked, log, receiver } = setUp({ count: 2 })
    await (await next()).abandon({ delayMs: 0 })
    expect([asked, log]).toEqual([[['abandon 0'], []], ['back at 0']])
    const late = await next()
    await clock.advance(30_000)
    await late.abandon({ delayMs: 5_000 })
    expect([asked, receiver.isDelaying]).toEqual([[['abandon 0'], ['abandon 0']], false])
  })

  it('can be settled in the other ways as before', async () => {
    const { next, asked } = setUp()
    const delivery = await next()
    await delivery.renewLock()
    await delivery.complete()
    await delivery.deadLetter({ reason: 'r' })
    expect([asked, delivery.message.messageId]).toEqual([[['renew', 'complete', 'dead-letter r']], 'm-1'])
  })

  it('is not given back in vain where its lock was lost meanwhile', async () => {
    let tries = 0
    const lost = (): Promise<never> => Promise.reject(new QueueError('MessageLockLost', 'gone'))
    const { clock, next, receiver } = setUp({
      change: (delivery) => ({
        ...delivery,
        renewLock: lost,
        abandon: () => {
          tries += 1
          return lost()
        },
      }),
    })
    await (await next()).abandon({ delayMs: 60_000 })
    await clock.advance(60_000)
    expect([tries, receiver.isDelaying, clock.sleepers]).toEqual([1, false, 0])
  })

  it.each(['rejects', 'throws'] as const)(
    'is given back as soon as the broker takes it again, where it %s at first',
    async (way) => {
      let failures = 3
      const { clock, next, log } = setUp({
        change: (delivery) => ({
          ...delivery,
          abandon(options) {
            failures -= 1
            if (failures < 0) return delivery.abandon(options)
            const error = new QueueError('ConnectionFailed', 'down')
            if (way === 'throws') throw error
            return Promise.reject(error)
          },
        }),
      })
      await (await next()).abandon({ delayMs: 5_000 })
      await clock.advance(20_000)
      expect([log, clock.sleepers]).toEqual([['back at 8000'], 0])
    },
  )

  it('ends with its lock where the broker cannot renew it', async () => {
    const { clock, next, log, receiver } = setUp({
      change: (delivery) => ({ ...delivery, renewLock: () => Promise.reject(new Error('down')) }),
    })
    await (await next()).abandon({ delayMs: 60_000 })
    await clock.advance(30_000)
    expect([log, receiver.isDelaying]).toEqual([['back at 30000'], false])
  })
})

describe('what follows a delayed message', () => {
  it('may be received meanwhile from a queue, though not in its session (C15)', async () => {
    for (const isOrdered of [false, true]) {
      const { clock, next, receive, log } = setUp({ count: 2, isOrdered })
      await (await next()).abandon({ delayMs: 5_000 })
      const second = receive(20_000)
      await clock.advance(5_000)
      expect(await second).toHaveLength(1)
      const expected = isOrdered
        ? ['back at 5000', 'asked at 5000 for 15000']
        : ['asked at 0 for 20000', 'back at 5000']
      expect(log).toEqual(expected)
    }
  })

  it('is waited for in a session no longer than the caller has', async () => {
    const { clock, next, receive, log } = setUp({ count: 2, isOrdered: true })
    await (await next()).abandon({ delayMs: 5_000 })
    const second = receive(4_999)
    await clock.advance(4_999)
    expect([await second, log]).toEqual([[], []])
    await clock.advance(1)
    expect(clock.sleepers).toBe(0)
  })

  it('is no longer waited for after an abort, which leaves the delay as it is (C6)', async () => {
    const { clock, next, receive, receiver } = setUp({ count: 2, isOrdered: true })
    await (await next()).abandon({ delayMs: 5_000 })
    const stop = new AbortController()
    const reason = new Error('enough')
    const second = receive(20_000, stop.signal)
    stop.abort(reason)
    await expect(second).rejects.toBe(reason)
    expect([receiver.isDelaying, getEventListeners(stop.signal, 'abort').length]).toEqual([true, 0])
    await clock.advance(5_000)
    expect([receiver.isDelaying, clock.sleepers]).toEqual([false, 0])
  })
})

describe('closing (C8, C21)', () => {
  it('gives back at once all that is delayed, and closes after that', async () => {
    const { clock, closing, work, next, receiver, asked, log } = setUp({ count: 3 })
    for (let count = 0; count < 3; count += 1) await (await next()).abandon({ delayMs: 60_000 })
    await clock.advance(10_000)
    closing.abort(new Error('closing'))
    const closed = receiver.close()
    await clock.advance(0)
    expect(await stateOf(Promise.all([closed, work.ended()]))).toBe('resolved')
    expect(asked).toEqual([['abandon 0'], ['abandon 0'], ['abandon 0']])
    expect(log).toEqual(['back at 10000', 'back at 10000', 'back at 10000', 'closed'])
    expect([clock.sleepers, getEventListeners(closing.signal, 'abort').length]).toEqual([0, 0])
  })

  it('makes a delay that begins later none', async () => {
    const { clock, closing, next, log } = setUp()
    const delivery = await next()
    closing.abort(new Error('closing'))
    await delivery.abandon({ delayMs: 60_000 })
    await clock.advance(0)
    expect([log, clock.sleepers]).toEqual([['back at 0'], 0])
  })

  it('leaves to its lock what the broker does not take back', async () => {
    const { clock, closing, next, receiver, log } = setUp({
      change: (delivery) => ({ ...delivery, abandon: () => Promise.reject(new Error('down')) }),
    })
    await (await next()).abandon({ delayMs: 60_000 })
    closing.abort(new Error('closing'))
    await receiver.close()
    await clock.advance(0)
    expect([log, clock.sleepers]).toEqual([['closed'], 0])
  })
})
