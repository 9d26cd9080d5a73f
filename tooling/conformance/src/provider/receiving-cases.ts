import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPending, soon } from '../kit/time.ts'
import type { ProviderCase } from './case.ts'
import { handleAll, never, nothing, send, take, takeAll, textOf } from './moves.ts'

/** A wait that nothing in a case reaches the end of. */
const LONG = { maxMessages: 10, waitMs: 60_000 } as const

/** How soon an abort is heard (requirement C6), in milliseconds of the machine's clock. */
const HEARD_MS = 50

/** How deliveries come, and what becomes of a wait. */
export const receivingCases: readonly ProviderCase[] = [
  {
    name: 'receive gives none when its wait is over, and not before',
    requirement: 'C4, A4, edge case 1',
    catches: ['gives up at once', 'oversleeps'],
    async run({ open, time }) {
      const waiting = open().receive({ maxMessages: 10, waitMs: 2_000, signal: never })
      await time.advance(1_000)
      assert.ok(await isPending(time, waiting), 'the wait is not over')
      await time.advance(1_000 - time.lookMs)
      assert.deepEqual(await soon(time, 'the end of the wait', waiting), [])
    },
  },
  {
    name: 'receive without a wait looks once',
    requirement: 'C4',
    catches: ['waits although it is told not to'],
    async run({ open, time }) {
      const look = open().receive({ maxMessages: 10, waitMs: 0, signal: never })
      assert.deepEqual(await soon(time, 'the end of a look', look), [])
    },
  },
  {
    name: 'receive gives what there is without waiting for more',
    requirement: 'C5',
    catches: ['waits for as many as it may give'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('one'), bench.message('two'))
      const texts: string[] = []
      while (texts.length < 2) {
        const deliveries = await soon(bench.time, 'a delivery', queue.receive({ ...LONG, signal: never }))
        assert.ok(deliveries.length > 0, 'the wait is not over')
        texts.push(...deliveries.map(textOf))
      }
      assert.deepEqual(texts.toSorted(), ['one', 'two'])
    },
  },
  {
    name: 'receive gives no more than it is asked for',
    requirement: 'C5',
    catches: ['gives more than it is asked for'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, ...['1', '2', '3', '4', '5'].map((text) => bench.message(text)))
      const taken = [await take(bench, queue), await take(bench, queue)]
      const deliveries = await queue.receive({ maxMessages: 2, waitMs: bench.time.lookMs, signal: never })
      assert.ok(deliveries.length <= 2)
      const all = [...taken, ...deliveries, ...(await takeAll(bench, queue, 3 - deliveries.length))]
      assert.deepEqual(all.map(textOf).toSorted(), ['1', '2', '3', '4', '5'])
    },
  },
  {
    name: 'a waiting receive wakes when a message is sent',
    requirement: 'C4, PM8',
    catches: ['sleeps through a send'],
    async run({ open, message, time }) {
      const waiting = open().receive({ ...LONG, signal: never })
      assert.ok(await isPending(time, waiting))
      await send(open(), message('hello'))
      const deliveries = await soon(time, 'the delivery of what was sent', waiting)
      assert.deepEqual(deliveries.map(textOf), ['hello'])
    },
  },
  {
    name: `an aborted receive rejects with the reason of its signal within ${HEARD_MS} ms`,
    requirement: 'C6',
    catches: ['hears no abort', 'has a reason of its own'],
    async run({ open, time }) {
      const stop = new AbortController()
      const waiting = open().receive({ ...LONG, signal: stop.signal })
      assert.ok(await isPending(time, waiting))
      const reason = new Error('enough')
      stop.abort(reason)
      // A process that was held up gets one more turn than the time it is late by.
      const late = sleep(HEARD_MS).then(() => new Promise((resolve) => setImmediate(resolve, 'not heard')))
      const thrown = await Promise.race([waiting.catch((error: unknown) => error), late])
      assert.equal(thrown, reason)
    },
  },
  {
    name: 'a receive whose signal is aborted already rejects with its reason, and takes nothing',
    requirement: 'C6',
    catches: ['takes messages for nobody'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const reason = new Error('enough')
      await assert.rejects(queue.receive({ ...LONG, signal: AbortSignal.abort(reason) }), reason)
      assert.equal((await take(bench, queue)).message.deliveryCount, 1)
    },
  },
  {
    name: 'what arrives after an abort stays for the next call',
    requirement: 'C6, design.md',
    catches: ['swallows a message after an abort'],
    async run(bench) {
      const { open, message, time } = bench
      const queue = open()
      const sender = open()
      for (const wait of [0, 1, 2, 4, 8]) {
        const stop = new AbortController()
        const waiting = queue.receive({ ...LONG, signal: stop.signal })
        // With a message on its way, an abort now and then meets it at the door.
        const sending = wait === 0 ? Promise.resolve() : send(sender, message('hello'))
        for (let turn = 1; turn < wait; turn += 1) await new Promise((resolve) => setImmediate(resolve))
        stop.abort(new Error('enough'))
        const early = await waiting.catch(() => [])
        await sending
        if (wait === 0) await send(sender, message('hello'))
        const delivery = early[0] ?? (await soon(time, 'the next call', take(bench, queue)))
        assert.deepEqual([textOf(delivery), delivery.message.deliveryCount], ['hello', 1])
        await delivery.complete()
      }
      await nothing(bench, queue)
    },
  },
  {
    name: 'what arrived after an abort is given back on close',
    requirement: 'C6, C21',
    catches: ['keeps what it has at hand when it closes', 'swallows a message after an abort'],
    async run(bench) {
      const { open, message, time } = bench
      const queue = open()
      const stop = new AbortController()
      const waiting = queue.receive({ ...LONG, signal: stop.signal })
      assert.ok(await isPending(time, waiting))
      stop.abort(new Error('enough'))
      await waiting.catch(() => {})
      const other = open()
      await send(other, message('hello'))
      await isPending(time, new Promise(() => {}))
      await queue.close()
      assert.equal(textOf(await take(bench, other)), 'hello')
    },
  },
  {
    name: 'close ends a waiting receive, and may be called again',
    requirement: 'C21',
    catches: ['leaves a receive waiting when it closes', 'closes only once'],
    async run({ open, time }) {
      const queue = open()
      const waiting = queue.receive({ ...LONG, signal: never })
      assert.ok(await isPending(time, waiting))
      const ended = waiting.then(
        (deliveries) => deliveries.length,
        () => 0,
      )
      await soon(time, 'the end of close', Promise.all([queue.close(), queue.close()]))
      assert.equal(await soon(time, 'the end of the wait', ended), 0)
      await soon(time, 'the end of another close', queue.close())
    },
  },
  {
    name: 'all transports of a queue see the same messages, and each message goes to one of them',
    requirement: 'A18, C20, PM1',
    catches: ['has a queue for each transport', 'forgets locks'],
    async run(bench) {
      const { open, message } = bench
      const [first, second] = [open(), open()]
      await send(open(), ...['1', '2', '3', '4'].map((text) => message(text)))
      const taken = [await take(bench, first), await take(bench, second), ...(await takeAll(bench, first, 2))]
      assert.deepEqual(taken.map(textOf).toSorted(), ['1', '2', '3', '4'])
      await nothing(bench, second)
    },
  },
  {
    name: 'three receivers and three senders at once lose nothing and deliver nothing twice',
    requirement: 'C20, A18, edge case 19',
    catches: ['forgets locks', 'loses a message in a while'],
    async run(bench) {
      const { open, message, time } = bench
      const texts = Array.from({ length: 90 }, (_, index) => String(index))
      const handled: string[] = []
      let isSent = false
      const receive = async (): Promise<void> => {
        const queue = open()
        for (let isEmpty = false; !(isSent && isEmpty); ) {
          const deliveries = await queue.receive({ maxMessages: 7, waitMs: time.lookMs, signal: never })
          await Promise.all(deliveries.map((delivery) => delivery.complete()))
          handled.push(...deliveries.map(textOf))
          isEmpty = deliveries.length === 0
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const sendPart = async (part: number): Promise<void> => {
        const queue = open()
        for (const text of texts.slice(part * 30, (part + 1) * 30)) await send(queue, message(text))
      }
      const sending = Promise.all([0, 1, 2].map(sendPart)).finally(() => {
        isSent = true
      })
      await Promise.all([sending, receive(), receive(), receive()])
      assert.deepEqual(handled.toSorted(), texts.toSorted())
    },
  },
  {
    name: 'each delivery has bytes of its own: who scribbles on them changes nothing at the broker',
    requirement: 'M8',
    catches: ['hands out its own bytes'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const first = await take(bench, queue)
      first.message.body.fill(0)
      await first.abandon({ delayMs: 0 })
      assert.equal(textOf(await take(bench, queue)), 'hello')
    },
  },
  {
    name: 'a message that comes while another one is held is handed out',
    requirement: 'C20',
    catches: ['hands out one at a time'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('first'))
      const held = await take(bench, queue)
      await send(queue, bench.message('second'))
      assert.deepEqual(await handleAll(bench, queue, 1), ['second'])
      await held.complete()
    },
  },
]
