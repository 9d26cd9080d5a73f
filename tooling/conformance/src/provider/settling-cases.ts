import assert from 'node:assert/strict'
import type { Delivery } from '@queue-runtime/core/provider'
import type { ProviderBench } from './bench.ts'
import type { ProviderCase } from './case.ts'
import { deadLettersOf, handleAll, nothing, outlast, send, take, takeAll, textOf } from './moves.ts'

/** Delivers one message `times` times, giving it back each time but the last. */
const redeliver = async (bench: ProviderBench, times: number): Promise<Delivery> => {
  const queue = bench.open()
  let delivery = await take(bench, queue)
  for (let count = 1; count < times; count += 1) {
    await delivery.abandon({ delayMs: 0 })
    delivery = await take(bench, queue)
  }
  return delivery
}

/** What becomes of a delivery: settled, given back, or taken away when its lock ends. */
export const settlingCases: readonly ProviderCase[] = [
  {
    name: 'a delivery holds its message: nobody else gets it until the lock ends',
    requirement: 'A3, C7',
    catches: ['forgets locks'],
    async run(bench) {
      const [queue, other] = [bench.open(), bench.open()]
      await send(queue, bench.message('hello'))
      await take(bench, queue)
      await nothing(bench, other)
      await nothing(bench, queue)
      await outlast(bench, bench.lockMs)
      assert.equal(textOf(await take(bench, other)), 'hello')
    },
  },
  {
    name: 'the moment at which a lock ends is told, and is no later than it lasts',
    requirement: 'A3, PS8',
    catches: ['claims an endless lock', 'knows no lock'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const { message } = await take(bench, queue)
      const left = message.lockedUntil.getTime() - time.clock.now()
      assert.ok(left > 0 && left <= lockMs + time.lookMs, `a lock of ${lockMs} ms has ${left} ms left`)
      assert.ok([undefined, lockMs].includes(queue.lockMs), 'the transport tells how long a lock lasts')
    },
  },
  {
    name: 'a renewed lock lasts anew, and the message shows it',
    requirement: 'C7, edge case 20',
    catches: ['renews nothing', 'shows the lock as it was'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const delivery = await take(bench, queue)
      const before = delivery.message.lockedUntil.getTime()
      await time.advance(lockMs * 0.6)
      const renewed = await delivery.renewLock()
      assert.ok(renewed.getTime() > before, 'the lock moves forward')
      assert.equal(delivery.message.lockedUntil.getTime(), renewed.getTime())
      await time.advance(lockMs * 0.6)
      await nothing(bench, bench.open())
      await delivery.complete()
    },
  },
  {
    name: 'complete removes for good',
    requirement: 'C7, A5',
    catches: ['completes nothing'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      await (await take(bench, queue)).complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
  {
    name: 'deliveries are counted, from 1, whether they are abandoned or their lock ends',
    requirement: 'C8, PA5, PS8, edge case 2',
    catches: ['counts no deliveries', 'counts from zero'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const counts: number[] = []
      for (const isAbandoned of [true, false, true]) {
        const delivery = await take(bench, queue)
        counts.push(delivery.message.deliveryCount)
        if (isAbandoned) await delivery.abandon({ delayMs: 0 })
        else await outlast(bench, bench.lockMs)
      }
      assert.deepEqual(counts, [1, 2, 3])
    },
  },
  {
    name: 'what is abandoned is there at once',
    requirement: 'C8',
    catches: ['loses what is abandoned', 'keeps what is abandoned until its lock ends'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      await (await take(bench, queue)).abandon({ delayMs: 0 })
      assert.equal(textOf(await take(bench, bench.open())), 'hello')
    },
  },
  {
    name: 'what comes back, abandoned or because its lock ended, comes in its old place',
    requirement: 'C15, PM3',
    catches: ['puts what comes back to the tail'],
    needs: ['order'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, ...['1', '2', '3'].map((text) => bench.message(text, bench.line)))
      await (await take(bench, queue)).abandon({ delayMs: 0 })
      assert.equal(textOf(await take(bench, queue)), '1')
      await outlast(bench, bench.lockMs)
      assert.deepEqual(await handleAll(bench, queue, 3), ['1', '2', '3'])
    },
  },
  {
    name: 'what is abandoned with a delay comes after it, and not before, longer than a lock too',
    requirement: 'C8',
    catches: ['ignores the delay of abandon', 'delays no longer than a lock'],
    needs: ['abandonDelay'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      for (const delayMs of [lockMs * 0.9, lockMs * 2]) {
        await (await take(bench, queue)).abandon({ delayMs })
        await time.advance(delayMs - lockMs * 0.5 - time.lookMs)
        await nothing(bench, queue)
        await time.advance(lockMs * 0.5 + time.lookMs)
      }
      assert.equal((await take(bench, queue)).message.deliveryCount, 3)
    },
  },
  {
    name: 'deliveries of one receive that are settled at once each come to their own end',
    requirement: 'design.md, field-notes.md 1.6',
    catches: ['merges settlements'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, ...['1', '2', '3', '4', '5', '6'].map((text) => bench.message(text)))
      const taken = await takeAll(bench, queue, 6)
      const ends: readonly ((delivery: Delivery) => Promise<void>)[] = [
        (delivery) => delivery.complete(),
        (delivery) => delivery.deadLetter({ reason: 'a' }),
        (delivery) => delivery.abandon({ delayMs: 0 }),
        (delivery) => delivery.deadLetter({ reason: 'b' }),
        (delivery) => delivery.complete(),
        (delivery) => delivery.abandon({ delayMs: 0 }),
      ]
      await Promise.all(taken.map((delivery, index) => ends[index]?.(delivery)))
      const inPlace = (index: number): string => {
        const delivery = taken[index]
        assert.ok(delivery)
        return textOf(delivery)
      }
      const back = await takeAll(bench, queue, 2)
      assert.deepEqual(back.map(textOf).toSorted(), [inPlace(2), inPlace(5)].toSorted())
      await nothing(bench, queue)
      const letters = await takeAll(bench, deadLettersOf(queue), 2)
      assert.deepEqual(
        Object.fromEntries(letters.map((letter) => [textOf(letter), letter.message.deadLettered?.reason])),
        { [inPlace(1)]: 'a', [inPlace(3)]: 'b' },
      )
    },
  },
  {
    name: 'a message that comes back from its last delivery is a dead letter, with a reason',
    requirement: 'A14, PM5, PA6, edge case 13',
    catches: ['redelivers for ever', 'drops the reason of dead letters'],
    needs: ['maxDeliveries', 'deadLetters'],
    async run(bench) {
      const { maxDeliveryCount = 0 } = bench
      const queue = bench.open()
      await send(queue, bench.message('poison', { messageId: 'm-1', attributes: { a: 'b' } }))
      const last = await redeliver(bench, maxDeliveryCount)
      assert.equal(last.message.deliveryCount, maxDeliveryCount)
      await last.abandon({ delayMs: 0 })
      await nothing(bench, queue)
      const { message } = await take(bench, deadLettersOf(queue))
      assert.deepEqual([message.messageId, message.attributes], ['m-1', { a: 'b' }])
      assert.ok(message.deadLettered?.reason, 'a dead letter has a reason')
      assert.notEqual(message.deadLettered.reason, UNKNOWN)
    },
  },
]

/** What the mutant says in the place of every reason. */
const UNKNOWN = 'unknown'
