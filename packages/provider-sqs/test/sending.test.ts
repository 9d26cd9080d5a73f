import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { intoBatches } from '../src/batches.ts'
import { scaled } from './scale.ts'
import { local, never, noneIn, takeAll, textOf, wire } from './support.ts'

const here = local()

describe('a batch', () => {
  it('has ten entries and so many bytes at most, and the order stays (PS4, C2)', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 60 })
    fc.assert(
      fc.property(sizes, (given) => {
        const batches = intoBatches(
          given.map((size) => ({ size })),
          100,
        )
        expect(batches.flat().map(({ size }) => size)).toEqual(given)
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(10)
          expect(batch.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(100)
        }
      }),
      { seed: 20_260_101, numRuns: scaled(1_000) },
    )
  })
})

describe('send', () => {
  it('makes as few calls as fit: 25 small messages in three, 1 MiB in each (PS4)', async () => {
    const { sqs, open, queue: make } = here()
    const [small, large] = [await make(), await make()]
    await open(small).send(
      Array.from({ length: 25 }, () => wire('a')),
      { signal: never },
    )
    const body = 'a'.repeat(300_000)
    await open(large).send(
      Array.from({ length: 7 }, () => wire(body)),
      { signal: never },
    )
    const sizes = (queue: string) =>
      sqs.calls
        .filter((call) => call.queue === queue && call.action === 'SendMessageBatch')
        .map(({ body: { Entries } }) => (Entries as unknown[]).length)
        .toSorted()
    expect(sizes(small)).toEqual([10, 10, 5].toSorted())
    expect(sizes(large)).toEqual([1, 3, 3])
  })

  it('takes a message of exactly 1 MiB on the wire, and none with a byte more (PS3)', async () => {
    const { open, queue: make } = here()
    const queue = await make()
    const overhead = 'qr'.length + 'String'.length + '{"v":1,"id":"m"}'.length
    const body = 'a'.repeat(1_048_576 - overhead)
    expect(await open(queue).send([wire(body, { messageId: 'm' })], { signal: never })).toEqual([{ error: null }])
    const sending = open(queue).send([wire(`${body}a`, { messageId: 'm' })], { signal: never })
    await expect(sending).rejects.toMatchObject({
      code: 'MessageTooLarge',
      facts: { size: 1_048_577, maxSize: 1_048_576 },
    })
  })

  it('tells the limit of a queue that takes less than it thinks (PS3)', async () => {
    const { sqs, open } = here()
    await sqs.createQueue('small', { MaximumMessageSize: '1024' })
    const outcomes = await open('small').send([wire('a'), wire('a'.repeat(2_000))], { signal: never })
    expect(outcomes).toMatchObject([
      { error: null },
      { error: { code: 'MessageTooLarge', facts: { maxSize: 1_024 }, isTransient: false } },
    ])
  })

  it('tells of each entry what became of it (PS4, C3)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    sqs.inject(() => ({
      kind: 'entries',
      code: 'InternalError',
      senderFault: false,
      spared: (index) => index % 2 === 0,
    }))
    const messages = ['0', '1', '2', '3'].map((text) => wire(text, { messageId: `m${text}` }))
    const outcomes = await open(queue, {}).send(messages, { signal: never })
    expect(outcomes).toMatchObject([
      { error: null },
      { error: { code: 'ProviderError', isTransient: true, messageId: 'm1' } },
      { error: null },
      { error: { messageId: 'm3' } },
    ])
    sqs.inject()
    expect((await takeAll(open(queue), 2)).map(textOf).toSorted()).toEqual(['0', '2'])
  })

  it('tells of a batch that failed as a whole, and of those that did not (C3)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    sqs.inject(({ action, body }) => {
      const isFirst = action === 'SendMessageBatch' && JSON.stringify(body).includes('"first"')
      return isFirst ? { kind: 'cut', when: 'before' } : undefined
    })
    const outcomes = await open(queue).send([wire('first'), ...Array.from({ length: 14 }, () => wire('a'))], {
      signal: never,
    })
    expect(outcomes.map(({ error }) => error?.code ?? null)).toEqual([
      ...Array(10).fill('ConnectionFailed'),
      ...Array(5).fill(null),
    ])
  })

  it('sends nothing of a group behind a message that failed, so that its order holds (C2, C15)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ fifo: true })
    let calls = 0
    sqs.inject(({ action }) => {
      if (action !== 'SendMessageBatch') return undefined
      calls += 1
      return calls === 1
        ? { kind: 'entries', code: 'InternalError', senderFault: false, spared: (index) => index !== 9 }
        : undefined
    })
    const messages = Array.from({ length: 20 }, (_, index) =>
      wire(String(index), { sessionId: index % 2 === 0 ? 'even' : 'odd' }),
    )
    const outcomes = await open(queue).send(messages, { signal: never })
    const failed = outcomes.flatMap(({ error }, index) => (error === null ? [] : [index]))
    expect(failed).toEqual([9, 11, 13, 15, 17, 19])
  })

  it('deduplicates by the id for that, never by the body, and a retry is no second message (PS9, R4)', async () => {
    const { open, queue: make } = here()
    const queue = await make({ fifo: true })
    const one = wire('same', { sessionId: 's', messageId: 'm' })
    const other = wire('same', { sessionId: 's' })
    const again = wire('same', { sessionId: 's', messageId: 'm', deduplicationId: 'fresh' })
    for (const message of [one, one, other, again]) await open(queue).send([message], { signal: never })
    const transport = open(queue)
    const taken = await takeAll(transport, 3)
    expect(taken.map(({ message }) => message.messageId)).toEqual(['m', other.messageId, 'm'])
    expect(await noneIn(transport)).toBe(true)
  })

  it('refuses a delay of more than 900 s and a session id with a space before anything is sent (PS11, M6)', async () => {
    const { sqs, open, queue: make } = here()
    const [queue, fifo] = [await make(), await make({ fifo: true })]
    const late = wire('late', { deliverAt: new Date(Date.now() + 901_500) })
    await expect(open(queue).send([wire('a'), late], { signal: never })).rejects.toMatchObject({
      code: 'Unsupported',
      facts: { feature: 'deliverAt' },
    })
    const spaced = wire('a', { sessionId: 'a b' })
    await expect(open(fifo).send([spaced], { signal: never })).rejects.toMatchObject({
      code: 'Validation',
      facts: { field: 'sessionId', rule: 'invalid-format' },
    })
    expect(sqs.calls.filter((call) => [queue, `${fifo}.fifo`].includes(call.queue))).toEqual([])
    expect(
      await open(queue).send([wire('a', { deliverAt: new Date(Date.now() + 899_000) })], { signal: never }),
    ).toEqual([{ error: null }])
  })

  it('looks its queue up once, and anew when there is no such queue any more (PS14)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    const transport = open(queue)
    const lookups = () => sqs.calls.filter((call) => call.queue === queue && call.action === 'GetQueueUrl').length
    await Promise.all([1, 2, 3].map(() => transport.send([wire('a')], { signal: never })))
    expect(lookups()).toBe(1)
    sqs.inject(({ action }) =>
      action === 'SendMessageBatch' ? { kind: 'error', status: 400, code: 'QueueDoesNotExist' } : undefined,
    )
    await expect(transport.send([wire('a')], { signal: never })).rejects.toMatchObject({
      code: 'QueueNotFound',
      facts: { queue },
    })
    sqs.inject()
    await transport.send([wire('a')], { signal: never })
    expect(lookups()).toBe(2)
  })

  it('needs no other permission than to send, where the queue has a URL (PS14)', async () => {
    const { sqs, open, queue: make, urlOf } = here()
    const queue = await make()
    sqs.inject(({ action }) =>
      action.startsWith('SendMessage') ? undefined : { kind: 'error', status: 403, code: 'AccessDenied' },
    )
    const transport = open(queue, { queues: { [queue]: { url: urlOf(queue) } } })
    expect(await transport.send([wire('a')], { signal: never })).toEqual([{ error: null }])
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal: never })).rejects.toMatchObject({
      code: 'PermissionDenied',
    })
  })

  it('gives up a server that does not answer within 10 s, with Timeout (requirements 0)', {
    timeout: 30_000,
  }, async () => {
    const { sqs, open, queue: make } = here()
    const transport = open(await make())
    sqs.inject(({ action }) => (action === 'SendMessageBatch' ? { kind: 'stall' } : undefined))
    const begun = performance.now()
    await expect(transport.send([wire('a')], { signal: never })).rejects.toMatchObject({
      code: 'Timeout',
      operation: 'send',
    })
    expect(performance.now() - begun).toBeGreaterThan(9_900)
  })

  it('ends with its signal while SQS does not answer (C6)', async () => {
    const { sqs, open, queue: make } = here()
    const transport = open(await make())
    sqs.inject(({ action }) => (action === 'SendMessageBatch' ? { kind: 'stall' } : undefined))
    const stop = new AbortController()
    const sending = transport.send([wire('a')], { signal: stop.signal })
    setTimeout(() => stop.abort(new Error('enough')), 50)
    await expect(sending).rejects.toThrow('enough')
  })

  it('tells X-Ray and W3C of one trace (PS10)', async () => {
    const { tool, open, queue: make, urlOf } = here()
    const queue = await make()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await open(queue).send([wire('a', { attributes: { traceparent } })], { signal: never })
    const { Messages } = await tool.send(
      new ReceiveMessageCommand({
        QueueUrl: urlOf(queue),
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['AWSTraceHeader'],
      }),
    )
    expect(Messages?.[0]?.Attributes?.AWSTraceHeader).toBe(
      'Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1',
    )
    expect(Messages?.[0]?.MessageAttributes?.traceparent?.StringValue).toBe(traceparent)
  })
})
