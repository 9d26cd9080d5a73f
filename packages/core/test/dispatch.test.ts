import { describe, expect, it } from 'vitest'
import type { QueueError } from '../src/index.ts'
import {
  type Answer,
  connectionFailed,
  messagesOf,
  permissionDenied,
  type SendingBench,
  sendingBench,
  throttled,
} from './send-support.ts'

const HOUR_MS = 3_600_000

/** Sends a batch and lets all time pass that it takes. The outcomes: an id, or the code of an error. */
const outcomesOf = async (bench: SendingBench, ...names: string[]): Promise<string[]> => {
  const sending = bench.client.sendBatch(messagesOf(...names)).then(
    (sent) => sent.map(({ messageId }) => messageId),
    (error: QueueError<'BatchPartiallyFailed'>) =>
      error.facts.outcomes.map((one) => ('error' in one ? one.error.code : one.messageId)),
  )
  await bench.clock.advance(HOUR_MS)
  return sending
}

/** The code that a send rejects with, or its id. Time passes as far as it takes. */
const sendOnce = async ({ client, clock }: SendingBench): Promise<string> => {
  const sending = client.send({ body: 'a', messageId: 'a' }).then(
    ({ messageId }) => messageId,
    (error: QueueError) => error.code,
  )
  await clock.advance(HOUR_MS)
  return sending
}

const times = ({ calls }: SendingBench): number[] => calls.map(({ at }) => at)

describe('of a batch that failed in part', () => {
  it('only what time can heal is sent again, in order (R3, C2)', async () => {
    const bench = sendingBench([[connectionFailed(), permissionDenied(), null, connectionFailed()]])
    expect(await outcomesOf(bench, 'a', 'b', 'c', 'd')).toEqual(['a', 'PermissionDenied', 'c', 'd'])
    expect(bench.ids()).toEqual([
      ['a', 'b', 'c', 'd'],
      ['a', 'd'],
    ])
  })

  it('nothing is sent behind a later message of its session that went through (C2, C15)', async () => {
    const bench = sendingBench([[connectionFailed(), null, connectionFailed(), connectionFailed()]])
    const outcomes = await outcomesOf(bench, 'a@s', 'b@s', 'c@s', 'd@t')
    expect(outcomes).toEqual(['ConnectionFailed', 'b', 'c', 'd'])
    expect(bench.ids()[1]).toEqual(['c', 'd'])
  })

  it('the order of a session holds over several attempts (C2, C15)', async () => {
    const bench = sendingBench([
      [connectionFailed(), connectionFailed(), connectionFailed()],
      [connectionFailed(), null, connectionFailed()],
    ])
    expect(await outcomesOf(bench, 'a@s', 'b@s', 'c@s')).toEqual(['ConnectionFailed', 'b', 'c'])
    expect(bench.ids()).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], ['c']])
  })

  it('messages without a session have no order to keep (C2)', async () => {
    const bench = sendingBench([[connectionFailed(), null]])
    expect(await outcomesOf(bench, 'a', 'b')).toEqual(['a', 'b'])
  })

  it('each outcome is the last that was heard of its message (C3)', async () => {
    const bench = sendingBench([
      [null, connectionFailed(), connectionFailed()],
      [throttled(), connectionFailed()],
      permissionDenied(),
    ])
    expect(await outcomesOf(bench, 'a', 'b', 'c')).toEqual(['a', 'PermissionDenied', 'PermissionDenied'])
  })

  it('what is known survives an error that is not ours (C3)', async () => {
    const bench = sendingBench([[null, connectionFailed()], new TypeError('a bug of the provider')])
    expect(await outcomesOf(bench, 'a', 'b')).toEqual(['a', 'ConnectionFailed'])
  })
})

describe('a send that fails', () => {
  it('is tried three times, after the pauses of the retry table (R1, R3)', async () => {
    const down = throttled()
    const bench = sendingBench([down, down, down])
    expect(await sendOnce(bench)).toBe('Throttled')
    expect(times(bench)).toEqual([0, 1_000, 3_000])
  })

  it('is tried once where what failed does not heal (R3)', async () => {
    const bench = sendingBench([permissionDenied()])
    expect(await sendOnce(bench)).toBe('PermissionDenied')
    expect(times(bench)).toEqual([0])
  })

  it('is tried once with retry: false (R1)', async () => {
    const bench = sendingBench([connectionFailed()], { retry: false })
    expect(await sendOnce(bench)).toBe('ConnectionFailed')
    expect(times(bench)).toEqual([0])
  })

  it('comes again exactly when a throttling broker said, whatever the pauses of the table are (A12, R3)', async () => {
    const bench = sendingBench([throttled(47_000), [throttled(90_000)]])
    expect(await sendOnce(bench)).toBe('a')
    expect(times(bench)).toEqual([0, 47_000, 137_000])
  })

  it('spreads its pauses by a fifth, so that a fleet does not come back in step (A12, R2)', async () => {
    const pauses = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const bench = sendingBench([throttled()], { retry: {} })
        await sendOnce(bench)
        return times(bench)[1] ?? Number.NaN
      }),
    )
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(800)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_200)
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(200)
  })

  it('of several messages waits as long as the slowest of them needs (R3)', async () => {
    const bench = sendingBench([[throttled(2_000), throttled(9_000), connectionFailed()]])
    expect(await outcomesOf(bench, 'a', 'b', 'c')).toEqual(['a', 'b', 'c'])
    expect(times(bench)).toEqual([0, 9_000])
  })
})

describe('all attempts and pauses together', () => {
  it('never pass the limit: a pause that would is not begun (R3)', async () => {
    const bench = sendingBench([throttled(300_000)])
    expect(await sendOnce(bench)).toBe('Throttled')
    expect(times(bench)).toEqual([0])
    const within = sendingBench([throttled(299_999)])
    expect(await sendOnce(within)).toBe('a')
  })

  it('never pass the limit: an attempt that would is ended with Timeout (R3)', async () => {
    const hangs: Answer = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const bench = sendingBench([throttled(), hangs], { retry: { jitter: 0, totalMs: 10_000 } })
    const sending = bench.client.send({ body: 'a' }).catch((error: QueueError) => [error.code, bench.clock.now()])
    const begun = bench.clock.now()
    await bench.clock.advance(HOUR_MS)
    expect(await sending).toEqual(['Timeout', begun + 10_000])
    expect(times(bench)).toEqual([0, 1_000])
  })
})

describe('an outage of the broker', () => {
  const down = (count: number) => Array.from({ length: count }, connectionFailed)
  const once = { retry: false } as const

  it('stops sending after five failures: the sixth rejects at once and says when to come again (R5, edge 12, edge 15)', async () => {
    const bench = sendingBench(down(5), once)
    for (let count = 0; count < 5; count += 1) {
      await expect(bench.client.send({ body: 'a' })).rejects.toMatchObject({ code: 'ConnectionFailed' })
    }
    const refused = bench.client.send({ body: 'a' })
    await expect(refused).rejects.toMatchObject({ code: 'CircuitOpen', isTransient: true, retryAfterMs: 30_000 })
    expect(bench.calls).toHaveLength(5)
  })

  it('ends by itself: half a minute later sends come through again (R5, A11, edge 15)', async () => {
    const bench = sendingBench(down(5), once)
    for (let count = 0; count < 5; count += 1) await sendFast(bench)
    await bench.clock.advance(29_999)
    expect(await sendFast(bench)).toBe('CircuitOpen')
    await bench.clock.advance(1)
    for (let count = 0; count < 3; count += 1) expect(await sendFast(bench)).toBe('a')
    expect(await Promise.all([sendFast(bench), sendFast(bench)])).toEqual(['a', 'a'])
  })

  it('that begins between two attempts leaves no message without an outcome (C3, R5)', async () => {
    const bench = sendingBench([...down(4), [null, connectionFailed()]], { retry: { jitter: 0, maxAttempts: 5 } })
    const singles = Promise.all(Array.from({ length: 4 }, () => sendFast(bench)))
    const outcomes = outcomesOf(bench, 'a', 'b')
    expect(await outcomes).toEqual(['a', 'CircuitOpen'])
    expect(await singles).toEqual(Array(4).fill('CircuitOpen'))
    expect(bench.calls).toHaveLength(5)
  })

  it('is none where a queue is full: its receivers must not be stopped by it (R5)', async () => {
    const full = Array.from({ length: 20 }, () => throttled())
    const bench = sendingBench(full, once)
    for (let count = 0; count < 20; count += 1) expect(await sendFast(bench)).toBe('Throttled')
    expect(await sendFast(bench)).toBe('a')
  })

  it('is none where the broker refuses what it is asked for (R5)', async () => {
    const bench = sendingBench(Array.from({ length: 20 }, permissionDenied), once)
    for (let count = 0; count < 20; count += 1) expect(await sendFast(bench)).toBe('PermissionDenied')
    expect(await sendFast(bench)).toBe('a')
  })
})

/** As `sendOnce`, with no time passing. */
const sendFast = ({ client }: SendingBench): Promise<string> =>
  client.send({ body: 'a', messageId: 'a' }).then(
    ({ messageId }) => messageId,
    (error: QueueError) => error.code,
  )
