import assert from 'node:assert/strict'
import type { Case } from './bench.ts'
import { next, nothing, rejects } from './expectations.ts'
import type { Mutant } from './mutants.ts'

/** What becomes of a delivery: settled, given back, or taken away when its lock ends. */
export const deliveryCases: readonly Case<Mutant>[] = [
  {
    name: 'an empty queue gives null when the wait is over, and not before',
    requirement: 'C4, A4',
    catches: 'sleeps through a send',
    async run({ client, advance }) {
      let isOver = false
      const waiting = client()
        .receive({ waitMs: 2_000 })
        .finally(() => {
          isOver = true
        })
      await advance(1_000)
      assert.equal(isOver, false)
      await advance(1_100)
      assert.equal(await waiting, null)
    },
  },
  {
    name: 'a waiting receive wakes when a message is sent',
    requirement: 'C4, PM8',
    catches: 'sleeps through a send',
    async run({ client }) {
      const waiting = client().receive({ waitMs: 60_000 })
      await client().send({ body: 'hello' })
      assert.equal((await waiting)?.text(), 'hello')
    },
  },
  {
    name: 'an aborted receive rejects with the reason of its signal and swallows no message',
    requirement: 'C6',
    catches: 'swallows a message after an abort',
    async run({ client }) {
      const stop = new AbortController()
      const aborted = client()
      const waiting = aborted.receive({ waitMs: 60_000, signal: stop.signal })
      await new Promise((resolve) => setImmediate(resolve))
      const reason = new Error('enough')
      stop.abort(reason)
      await assert.rejects(waiting, reason)
      await aborted.send({ body: 'hello' })
      assert.equal((await next(client())).deliveryCount, 1)
    },
  },
  {
    name: 'a locked message is handed to nobody else',
    requirement: 'A3',
    catches: 'forgets locks',
    async run({ client }) {
      await client().send({ body: 'hello' })
      const message = await next(client())
      await nothing(client())
      await message.complete()
    },
  },
  {
    name: 'complete removes for good',
    requirement: 'C7, A5',
    catches: 'completes nothing',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      await (await next(queue)).complete()
      await advance(lockMs * 2)
      await nothing(queue)
    },
  },
  {
    name: 'a message settles once',
    requirement: 'C7, A6',
    catches: 'completes nothing',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      const message = await next(queue)
      await message.complete()
      await rejects(() => message.complete(), 'AlreadySettled')
      await rejects(() => message.abandon(), 'AlreadySettled')
      await rejects(() => message.deadLetter({ reason: 'r' }), 'AlreadySettled')
      await advance(lockMs * 2)
      await nothing(queue)
    },
  },
  {
    name: 'when a lock ends the message comes again, counted, and its old holder settles nothing',
    requirement: 'C7, C10, A6, A13, edge cases 2 and 3',
    catches: 'settles after the lock ended',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      const old = await next(queue)
      await advance(lockMs + 1)
      const current = await next(client())
      assert.equal(current.deliveryCount, 2)
      await rejects(() => old.complete(), 'MessageLockLost')
      await rejects(() => old.renewLock(), 'MessageLockLost')
      await current.abandon()
      assert.equal((await next(queue)).deliveryCount, 3)
    },
  },
  {
    name: 'a renewed lock lasts anew',
    requirement: 'C7, edge case 20',
    catches: 'renews nothing',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      const message = await next(queue)
      const before = message.lockedUntil
      await advance(lockMs * 0.6)
      const renewed = await message.renewLock()
      assert.ok(renewed > before)
      assert.deepEqual(message.lockedUntil, renewed)
      await advance(lockMs * 0.6)
      await nothing(client())
      await message.complete()
    },
  },
  {
    name: 'an abandoned message is there at once, in its place, and counted',
    requirement: 'C8, PM3',
    catches: 'abandons to the tail',
    async run({ client }) {
      const queue = client()
      await queue.sendBatch([{ body: 'first' }, { body: 'second' }])
      await (await next(queue)).abandon()
      const again = await next(queue)
      assert.deepEqual([again.text(), again.deliveryCount], ['first', 2])
    },
  },
  {
    name: 'a message that is abandoned with a delay comes after it, and not before',
    requirement: 'C8',
    catches: 'ignores the delay of abandon',
    async run({ client, advance }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      await (await next(queue)).abandon({ delayMs: 5_000 })
      await advance(4_900)
      await nothing(queue)
      await advance(200)
      assert.equal((await next(queue)).deliveryCount, 2)
    },
  },
  {
    name: 'a delay may be longer than the lock',
    requirement: 'C8',
    catches: 'ignores the delay of abandon',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      await (await next(queue)).abandon({ delayMs: lockMs * 3 })
      await advance(lockMs * 2.9)
      await nothing(client())
      await advance(lockMs * 0.2)
      const again = await next(queue)
      assert.equal(again.deliveryCount, 2)
      await again.complete()
    },
  },
  {
    name: 'disposing an unsettled message gives it back',
    requirement: 'C8',
    catches: 'forgets abandoned messages',
    async run({ client }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      await (await next(queue))[Symbol.asyncDispose]()
      const again = await next(queue)
      await again.complete()
      await again[Symbol.asyncDispose]()
      await nothing(queue)
    },
  },
  {
    name: '100 parallel sends and receives lose nothing and deliver nothing twice',
    requirement: 'C20, A18',
    catches: 'forgets locks',
    async run({ client }) {
      const queue = client()
      const count = 100
      const receiving = Array.from({ length: count }, () => queue.receive({ waitMs: 60_000 }))
      const sending = Array.from({ length: count }, (_, index) => queue.send({ body: String(index) }))
      const sent = (await Promise.all(sending)).map(({ messageId }) => messageId)
      const received = (await Promise.all(receiving)).map((message) => message?.messageId)
      assert.deepEqual(received.toSorted(), sent.toSorted())
    },
  },
  {
    name: 'closing gives back what is unsettled, and every later call says that the client is closed',
    requirement: 'C21',
    catches: 'forgets abandoned messages',
    async run({ client }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      const message = await next(queue)
      const waiting = queue.receive({ waitMs: 60_000 })
      waiting.catch(() => {})
      await Promise.all([queue.close(), queue.close()])
      await rejects(() => waiting, 'ClientClosed')
      await rejects(() => message.complete(), 'ClientClosed')
      await rejects(() => queue.send({ body: 'x' }), 'ClientClosed')
      await rejects(() => queue.receive(), 'ClientClosed')
      assert.equal((await next(client())).text(), 'hello')
    },
  },
]
