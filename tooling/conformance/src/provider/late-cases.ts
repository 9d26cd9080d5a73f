import assert from 'node:assert/strict'
import type { Delivery } from '@queue-runtime/core/provider'
import { rejects } from '../kit/assertions.ts'
import type { ProviderCase } from './case.ts'
import type { ProviderFeature } from './feature.ts'
import { nothing, outlast, send, take, textOf } from './moves.ts'
import type { ProviderMutant } from './mutant.ts'

interface Settlement {
  readonly what: string
  readonly needs: readonly ProviderFeature[]
  /** Makes the settlement of a holder whose lock is gone. */
  readonly catches: ProviderMutant
  readonly settle: (delivery: Delivery) => Promise<unknown>
}

const SETTLEMENTS: readonly Settlement[] = [
  { what: 'complete', needs: [], catches: 'completes after the lock ended', settle: (held) => held.complete() },
  {
    what: 'abandon',
    needs: [],
    catches: 'abandons after the lock ended',
    settle: (held) => held.abandon({ delayMs: 0 }),
  },
  {
    what: 'dead-letter',
    needs: ['deadLetters'],
    catches: 'dead-letters after the lock ended',
    settle: (held) => held.deadLetter({ reason: 'late' }),
  },
  { what: 'renew', needs: [], catches: 'renews after the lock ended', settle: (held) => held.renewLock() },
]

/** The lock of a message is one delivery's: what its former holder asks for changes nothing. */
export const lateCases: readonly ProviderCase[] = SETTLEMENTS.flatMap(({ what, needs, catches, settle }) => [
  {
    name: `${what} after the lock ended gives MessageLockLost, and the message comes again`,
    requirement: 'C7, C10, A6, A13, edge case 3',
    catches: [catches],
    needs,
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const old = await take(bench, queue)
      await outlast(bench, bench.lockMs)
      await rejects(() => settle(old), 'MessageLockLost')
      const again = await take(bench, queue)
      assert.deepEqual([textOf(again), again.message.deliveryCount], ['hello', 2])
    },
  },
  {
    name: `${what} by the former holder takes nothing from the new one`,
    requirement: 'C10, A6, A13, edge case 2',
    catches: [catches, 'takes every holder for the present one'],
    needs,
    async run(bench) {
      const [queue, other] = [bench.open(), bench.open()]
      await send(queue, bench.message('hello'))
      const old = await take(bench, queue)
      await outlast(bench, bench.lockMs)
      const current = await take(bench, other)
      await rejects(() => settle(old), 'MessageLockLost')
      await nothing(bench, queue)
      await current.complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, other)
    },
  },
  {
    name: `${what} after the message was completed gives MessageLockLost`,
    requirement: 'C7, A6',
    catches: ['settles more than once'],
    needs,
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      const delivery = await take(bench, queue)
      await delivery.complete()
      await rejects(() => settle(delivery), 'MessageLockLost')
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
])
