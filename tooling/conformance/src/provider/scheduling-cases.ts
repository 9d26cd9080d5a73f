import assert from 'node:assert/strict'
import { createQueueClient, isQueueError } from '@queue-runtime/core'
import { rejects } from '../kit/assertions.ts'
import type { ProviderCase } from './case.ts'
import { nothing, send, take, textOf } from './moves.ts'

/** What the queue does by itself as time passes, and what it says it cannot do. */
export const schedulingCases: readonly ProviderCase[] = [
  {
    name: 'a message comes when it is due, and not before',
    requirement: 'C17, PM9, PS11',
    catches: ['delivers at once', 'never delivers what is due later'],
    needs: ['deliverAt'],
    async run(bench) {
      const { time } = bench
      const queue = bench.open()
      const waitMs = 3_000
      await send(queue, bench.message('later', { deliverAt: new Date(time.clock.now() + waitMs) }))
      await send(queue, bench.message('past', { deliverAt: new Date(time.clock.now() - 60_000) }))
      const past = await take(bench, queue)
      assert.equal(textOf(past), 'past')
      await past.complete()
      await time.advance(waitMs / 2 - time.lookMs)
      await nothing(bench, queue)
      await time.advance(waitMs / 2 + time.lookMs)
      assert.equal(textOf(await take(bench, queue)), 'later')
    },
  },
  {
    name: 'a message is not delivered once its time to live is over',
    requirement: 'C17, PM5',
    catches: ['keeps messages for ever', 'delivers nothing that is to expire'],
    needs: ['timeToLive'],
    async run(bench) {
      const { time } = bench
      const queue = bench.open()
      await send(queue, bench.message('in time', { timeToLiveMs: 60_000 }))
      await (await take(bench, queue)).complete()
      const timeToLiveMs = 1_000 + time.lookMs
      await send(queue, bench.message('too late', { timeToLiveMs }))
      await time.advance(timeToLiveMs + time.lookMs + 1)
      await nothing(bench, queue)
    },
  },
  {
    name: 'what a message asks for is done, or refused as Unsupported before anything is sent',
    requirement: 'C17, A38, design.md',
    catches: ['refuses what it says that it can do'],
    async run(bench) {
      const { provider, queue, time, open } = bench
      const { features } = open()
      const asked = [
        { sessionId: 's', canDo: features.sessionIds !== 'none' },
        { deliverAt: new Date(time.clock.now() + 1), canDo: features.deliverAt },
        { timeToLiveMs: 60_000, canDo: features.timeToLive },
      ]
      for (const { canDo, ...field } of asked) {
        const [feature] = Object.keys(field)
        const line = features.sessionIds === 'required' ? { sessionId: 's' } : {}
        const client = createQueueClient({ provider, queue, clock: time.clock, logger: false })
        const sending = client.send({ body: 'hello', ...line, ...field })
        if (canDo) {
          await sending
        } else {
          const error = await rejects(() => sending, 'Unsupported')
          assert.deepEqual(isQueueError(error, 'Unsupported') && error.facts.feature, feature)
        }
        await client.close()
        await time.advance(time.lookMs + 1)
        if (canDo) await (await take(bench, open())).complete()
        await nothing(bench, open())
      }
    },
  },
]
