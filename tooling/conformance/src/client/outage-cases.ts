import assert from 'node:assert/strict'
import { QueueError, type ReceivedMessage } from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import { ofCode, rejects } from '../kit/assertions.ts'
import { soon } from '../kit/time.ts'
import type { ClientCase } from './case.ts'
import { next, nothing } from './moves.ts'

/** A client that waits for the end of an outage asks at least so often, in milliseconds (requirements, section 0). */
const LONGEST_PAUSE_MS = 60_000
const STEP_MS = 500

/** What is passed on to the broker, and whose answer is lost, so many times. */
const losingAnswers = (transport: QueueTransport, times: number): QueueTransport => {
  let left = times
  return {
    ...transport,
    async send(messages, options) {
      const outcomes = await transport.send(messages, options)
      if (left === 0) return outcomes
      left -= 1
      throw new QueueError('ConnectionFailed', 'The connection broke.')
    },
  }
}

/** What goes wrong between client, broker and key store, and costs nothing. */
export const outageCases: readonly ClientCase[] = [
  {
    name: 'a send whose answer is lost is tried again under the same id: what comes twice can be told',
    requirement: 'R3, R4, A11, edge case 10',
    catches: ['makes up message ids'],
    async run(bench) {
      const { time } = bench
      const queue = bench.client({ through: (transport) => losingAnswers(transport, 1), retry: { initialMs: 100 } })
      const sending = queue.send({ body: 'hello' })
      await time.advance(1_000)
      await time.advance(5_000)
      const { messageId } = await soon(time, 'the end of the retry', sending)
      const first = await next(bench, bench.client())
      assert.deepEqual([first.messageId, first.text()], [messageId, 'hello'])
      await first.complete()
      const second = await bench.client().receive({ waitMs: time.lookMs })
      if (second === null) return
      assert.deepEqual([second.messageId, second.text()], [messageId, 'hello'])
    },
  },
  {
    name: 'on a broker that knows duplicates, a send whose answer is lost is delivered once',
    requirement: 'R4, S9, PS9, edge case 10',
    catches: ['knows no duplicates'],
    needs: ['deduplication'],
    async run(bench) {
      const { time } = bench
      const queue = bench.client({ through: (transport) => losingAnswers(transport, 1), retry: { initialMs: 100 } })
      const sending = queue.send({ body: 'hello', ...bench.line })
      await time.advance(1_000)
      await time.advance(5_000)
      await soon(time, 'the end of the retry', sending)
      await (await next(bench, bench.client())).complete()
      await nothing(bench, bench.client())
    },
  },
  {
    name: 'a message that meets an outage of the key store is kept, and costs no delivery when the outage is over',
    requirement: 'protocol.md 4.2, S12',
    catches: ['renews nothing'],
    async run(bench) {
      const { time, lockMs } = bench
      await bench.client().send({ body: 'hello' })
      const { client, cut, heal } = bench.storeClient()
      cut()
      if (bench.isSealed) {
        await rejects(() => client.receive({ waitMs: 10 * time.lookMs }), 'KeyProviderError')
      }
      for (let count = 0; count < 4; count += 1) await time.advance(lockMs * 0.5)
      heal()
      let message: ReceivedMessage | null = null
      for (let waitedMs = 0; waitedMs < LONGEST_PAUSE_MS && message === null; waitedMs += STEP_MS) {
        await time.advance(STEP_MS)
        // Until the client has tried again it says that intake pauses.
        message = await client.receive({ waitMs: time.lookMs }).catch((error: unknown) => {
          ofCode(error, 'CircuitOpen')
          return null
        })
      }
      assert.deepEqual([message?.text(), message?.deliveryCount], ['hello', 1])
    },
  },
]
