import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { Delivery } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it } from 'vitest'
import { createReceiver } from '../src/receiver.ts'
import { local, never, take, takeAll, textOf, wire } from './support.ts'

const here = local()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('the polls of a receive', () => {
  /** The lengths of the polls of one receive that finds nothing, in seconds, and how long it took by its clock. */
  const pollsOf = async (waitMs: number, minPollSeconds = 0): Promise<{ seconds: number[]; tookMs: number }> => {
    const clock = fakeClock(0)
    const seconds: number[] = []
    const poll = async (_: number, length: number): Promise<Delivery[]> => {
      seconds.push(length)
      await clock.sleep(length * 1_000 + 30)
      return []
    }
    const receiver = createReceiver({ queue: 'q', poll, clock, minPollSeconds })
    const receiving = receiver.receive({ maxMessages: 10, waitMs, signal: never })
    let isOver = false
    void receiving.finally(() => {
      isOver = true
    })
    let tookMs = 0
    for (; !isOver; tookMs += 10) await clock.advance(10)
    return { seconds, tookMs }
  }

  it.for([
    [45_000, [20, 20, 4]],
    [20_000, [20]],
    [1_300, [1]],
    [1_000, [1]],
    [0, [0]],
  ] as const)('of %i ms last whole seconds, 20 at most (PS5)', async ([waitMs, expected]) => {
    const { seconds, tookMs } = await pollsOf(waitMs)
    expect(seconds.slice(0, expected.length)).toEqual(expected)
    expect(new Set(seconds.slice(expected.length))).toEqual(seconds.length > expected.length ? new Set([0]) : new Set())
    expect(Math.abs(tookMs - waitMs)).toBeLessThanOrEqual(130)
  })

  it('of less than a second look again and again, and end with the clock of the client (PS5)', async () => {
    const { seconds, tookMs } = await pollsOf(700)
    expect(seconds.length).toBeGreaterThan(3)
    expect(new Set(seconds)).toEqual(new Set([0]))
    expect(Math.abs(tookMs - 700)).toBeLessThanOrEqual(130)
  })

  it('of dead letters ask all servers of SQS, without a wait too', async () => {
    expect((await pollsOf(0, 1)).seconds).toEqual([1])
  })

  it('are answered in the end, however late, and the wait is over in time (C4)', async () => {
    const clock = fakeClock(0)
    const late = Promise.withResolvers<Delivery[]>()
    const receiver = createReceiver({ queue: 'q', poll: () => late.promise, clock, minPollSeconds: 0 })
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 2_000, signal: never })
    await clock.advance(2_100)
    expect(await receiving).toEqual([])
    const delivery = { message: { lockedUntil: new Date(10_000) } } as Delivery
    late.resolve([delivery])
    expect(await receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([delivery])
  })

  it('bring nothing to the next call whose lock has ended meanwhile (C10)', async () => {
    const clock = fakeClock(0)
    const stop = new AbortController()
    const first = Promise.withResolvers<Delivery[]>()
    const answers = [first.promise, Promise.resolve([])]
    const receiver = createReceiver({
      queue: 'q',
      poll: () => answers.shift() ?? Promise.resolve([]),
      clock,
      minPollSeconds: 0,
    })
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 2_000, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(receiving).rejects.toThrow('enough')
    first.resolve([{ message: { lockedUntil: new Date(5_000) } } as Delivery])
    await clock.advance(5_000)
    expect(await receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([])
  })

  it('that fail after an abort are nobody’s error', async () => {
    const stop = new AbortController()
    const first = Promise.withResolvers<Delivery[]>()
    const answers = [first.promise, Promise.resolve([])]
    const clock = fakeClock(0)
    const receiver = createReceiver({
      queue: 'q',
      poll: () => answers.shift() ?? Promise.resolve([]),
      clock,
      minPollSeconds: 0,
    })
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 2_000, signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(receiving).rejects.toThrow('enough')
    first.reject(new Error('cut'))
    expect(await receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([])
  })
})

describe('over HTTP', () => {
  it('what arrives after an abort is there for the next call, without another delivery (C6)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    const transport = open(queue)
    const stop = new AbortController()
    const receiving = transport.receive({ maxMessages: 10, waitMs: 60_000, signal: stop.signal })
    await pause(100)
    stop.abort(new Error('enough'))
    await expect(receiving).rejects.toThrow('enough')
    await open(queue).send([wire('late')], { signal: never })
    await pause(100)
    const polls = sqs.calls.filter((call) => call.queue === queue && call.action === 'ReceiveMessage').length
    const [delivery] = await transport.receive({ maxMessages: 10, waitMs: 0, signal: never })
    expect(delivery && [textOf(delivery), delivery.message.deliveryCount]).toEqual(['late', 1])
    expect(sqs.calls.filter((call) => call.queue === queue && call.action === 'ReceiveMessage')).toHaveLength(polls)
  })

  it('what a poll brings after the close of its transport is given back at once (C6, C21)', async () => {
    const { open, queue: make } = here()
    const queue = await make()
    const transport = open(queue)
    const receiving = transport.receive({ maxMessages: 10, waitMs: 60_000, signal: never })
    await pause(100)
    await transport.close()
    expect(await receiving).toEqual([])
    const other = open(queue)
    await other.send([wire('late')], { signal: never })
    await pause(100)
    expect(textOf(await take(other))).toBe('late')
  })

  it('long polls never keep a send waiting, however many there are (PS5, A19)', async () => {
    const { provider, queue: make } = here()
    const queues = await Promise.all(Array.from({ length: 60 }, () => make()))
    const one = provider({ maxSockets: 1 })
    const transports = queues.map((queue) => one.open(queue))
    const stop = new AbortController()
    const waits = transports.map((each) =>
      each.receive({ maxMessages: 1, waitMs: 20_000, signal: stop.signal }).catch(() => []),
    )
    await pause(200)
    const begun = performance.now()
    for (const transport of transports.slice(0, 5)) await transport.send([wire('a')], { signal: never })
    expect(performance.now() - begun).toBeLessThan(2_000)
    stop.abort(new Error('enough'))
    await Promise.all(waits)
    await Promise.all(transports.map((transport) => transport.close()))
  })

  it('asks several times at once where one answer cannot hold what is asked for', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    const transport = open(queue)
    await transport.send(
      Array.from({ length: 100 }, (_, index) => wire(String(index))),
      { signal: never },
    )
    sqs.inject(({ action }) => (action === 'ReceiveMessage' ? { kind: 'slow', ms: 100 } : undefined))
    const begun = performance.now()
    const texts = new Set<string>()
    while (texts.size < 100) {
      for (const delivery of await transport.receive({ maxMessages: 50, waitMs: 3_000, signal: never }))
        texts.add(textOf(delivery))
    }
    // Ten answers one after the other would take a second.
    expect(performance.now() - begun).toBeLessThan(900)
  })

  it('a receive that SQS does not answer ends with Timeout 10 s after its wait (requirements 0)', {
    timeout: 30_000,
  }, async () => {
    const { sqs, open, queue: make } = here()
    const transport = open(await make())
    sqs.inject(({ action }) => (action === 'ReceiveMessage' ? { kind: 'stall' } : undefined))
    const begun = performance.now()
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal: never })).rejects.toMatchObject({
      code: 'Timeout',
    })
    expect(performance.now() - begun).toBeGreaterThan(9_900)
  })

  it('a text that another tool sent is received as that text (protocol.md 2)', async () => {
    const { tool, client, queue: make, urlOf } = here()
    const queue = await make()
    await tool.send(
      new SendMessageCommand({
        QueueUrl: urlOf(queue),
        MessageBody: '{"order":"é"}',
        MessageAttributes: { tenant: { DataType: 'String', StringValue: 't' } },
      }),
    )
    const message = await client(queue).receive({ waitMs: 2_000 })
    expect([
      message?.json(),
      message?.attributes,
      message?.messageId === message?.brokerMessageId,
      message?.seal,
    ]).toEqual([{ order: 'é' }, { tenant: 't' }, true, null])
  })

  it('credentials that expire are asked for anew (edge case 11)', async () => {
    const { open, queue: make } = here()
    let asked = 0
    const credentials = async () => {
      asked += 1
      return { accessKeyId: 'a', secretAccessKey: 'b', expiration: new Date(Date.now() + 1_000) }
    }
    const transport = open(await make(), { credentials })
    await transport.send([wire('a')], { signal: never })
    await pause(1_100)
    await transport.send([wire('b')], { signal: never })
    expect(asked).toBeGreaterThan(1)
    expect(await takeAll(transport, 2)).toHaveLength(2)
  })

  it('a process ends after the close although a poll is under way', async () => {
    const { sqs, queue: make } = here()
    const queue = await make()
    const script = fileURLToPath(new URL('closing-child.ts', import.meta.url))
    const begun = performance.now()
    const { stdout } = await promisify(execFile)(process.execPath, [script, sqs.endpoint, queue])
    expect(stdout).toBe('closed\n')
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})
