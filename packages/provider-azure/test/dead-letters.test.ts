import { describe, expect, it } from 'vitest'
import { sealing } from './protection.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { accept, codeOf, lettersOf, local, never, noneIn, pause, send, take, takeAll, textOf, wire } from './support.ts'

const here = local()

const LONG = { lockDurationMs: 120_000 }

describe.concurrent('dead letters over the wire', () => {
  it('have reason and description where Service Bus keeps them, for every tool to read (PA6, D1)', async () => {
    const { queue: make, open, tool } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('with'), wire('without'))
    const [one, two] = await takeAll(transport, 2)
    await one?.deadLetter({ reason: 'order.unknown', description: 'no such order' })
    await two?.deadLetter({ reason: 'r' })
    const receiver = tool.createReceiver(queue, { subQueueType: 'deadLetter', maxAutoLockRenewalDurationInMs: 0 })
    const letters = await receiver.receiveMessages(2, { maxWaitTimeInMs: 2_000 })
    expect(letters.map((letter) => [letter.deadLetterReason, letter.deadLetterErrorDescription ?? undefined])).toEqual([
      ['order.unknown', 'no such order'],
      ['r', undefined],
    ])
    for (const letter of letters) await receiver.abandonMessage(letter)
    await receiver.close()
    const read = await takeAll(lettersOf(transport), 2)
    expect(read.map(({ message }) => message.deadLettered)).toEqual([
      { reason: 'order.unknown', description: 'no such order' },
      { reason: 'r', description: undefined },
    ])
    expect(read.map(({ message }) => message.attributes)).toEqual([{}, {}])
  })

  it('have no longer reason than Service Bus takes (PA6)', async () => {
    const { queue: make, open } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('hello'))
    await (await take(transport)).deadLetter({ reason: 'r'.repeat(5_000), description: 'd'.repeat(5_000) })
    const { message } = await take(lettersOf(transport))
    expect(message.deadLettered).toEqual({ reason: 'r'.repeat(4_096), description: 'd'.repeat(4_096) })
  })

  it('are made by Service Bus too: of what failed too often, and of what expired (PA6, edge case 13)', async () => {
    const { queue: make, open } = here()
    const queue = make({ ...LONG, maxDeliveryCount: 1, deadLetterOnExpiration: true })
    const transport = open(queue)
    await send(transport, wire('poison'))
    await (await take(transport)).abandon({ delayMs: 0 })
    await send(transport, wire('old', { timeToLiveMs: 200 }))
    await pause(500)
    expect(await noneIn(transport)).toBe(true)
    const letters = await takeAll(lettersOf(transport), 2)
    expect(letters.map((letter) => [textOf(letter), letter.message.deadLettered?.reason])).toEqual([
      ['poison', 'MaxDeliveryCountExceeded'],
      ['old', 'TTLExpiredException'],
    ])
  })

  it('are dead letters already: another time is Unsupported, and they stay (D6)', async () => {
    const { queue: make, open, look } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('hello'))
    await (await take(transport)).deadLetter({ reason: 'r' })
    const letter = await take(lettersOf(transport))
    expect(await codeOf(letter.deadLetter({ reason: 'again' }))).toBe('Unsupported')
    await letter.abandon({ delayMs: 0 })
    expect(look(queue).deadLetters()).toHaveLength(1)
  })

  it('are renewed, abandoned and completed where they lie (D4)', async () => {
    const { queue: make, open, look } = here()
    const queue = make({ lockDurationMs: 2_000 })
    const transport = open(queue)
    await send(transport, wire('one'), wire('two'))
    for (const delivery of await takeAll(transport, 2)) await delivery.deadLetter({ reason: 'r' })
    const [one, two] = await takeAll(lettersOf(transport), 2)
    await pause(1_000)
    await one?.renewLock()
    await two?.renewLock()
    await pause(1_400)
    await one?.complete()
    await two?.abandon({ delayMs: 0 })
    expect(
      look(queue)
        .deadLetters()
        .map(({ state }) => state),
    ).toEqual(['active'])
  })

  it('of a queue with sessions are read without them, and keep theirs (PA2, D1)', async () => {
    const { queue: make, open } = here()
    const queue = make({ ...LONG, requiresSession: true })
    const transport = open(queue)
    await send(transport, wire('hello', { sessionId: 'a' }))
    const session = await accept(transport, 'a')
    await (await take(session)).deadLetter({ reason: 'r' })
    await session.close()
    const letter = await take(lettersOf(transport))
    expect([textOf(letter), letter.message.sessionId]).toEqual(['hello', 'a'])
  })

  it('are all found by a look without a wait (D4)', async () => {
    const { queue: make, open } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, ...Array.from({ length: 100 }, (_, index) => wire(String(index))))
    await Promise.all((await takeAll(transport, 100)).map((delivery) => delivery.deadLetter({ reason: 'r' })))
    const letters = lettersOf(transport)
    for (let found = 0; found < 100; found += 1) {
      expect(await letters.receive({ maxMessages: 1, waitMs: 0, signal: never })).toHaveLength(1)
    }
    expect(await letters.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([])
  })

  it(`are redriven to a queue that drops duplicates, ${scaled(100)} of them, and every one is delivered (D3, field-notes 1.12)`, {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { queue: make, client, look } = here()
    const queue = make({ ...LONG, duplicateDetectionMs: 600_000 })
    const count = scaled(100)
    const orders = client(queue, { crypto: sealing() })
    const ids = Array.from({ length: count }, (_, index) => `m-${index}`)
    await orders.sendBatch(ids.map((messageId) => ({ messageId, body: `body of ${messageId}` })))
    for (let buried = 0; buried < count; ) {
      const { messages } = await orders.receiveBatch({ maxMessages: 50 })
      await Promise.all(messages.map((message) => message.deadLetter({ reason: 'not.yet' })))
      buried += messages.length
    }
    const report = await orders.deadLetters().redrive()
    expect(report).toEqual({ redriven: count, skipped: 0, failed: [] })
    const texts: string[] = []
    while (texts.length < count) {
      const { messages, rejected } = await orders.receiveBatch({ maxMessages: 50, waitMs: 5_000 })
      expect(rejected).toEqual([])
      if (messages.length === 0) break
      for (const message of messages) texts.push(`${message.messageId}: ${message.text()}`)
      await Promise.all(messages.map((message) => message.complete()))
    }
    expect(texts.toSorted()).toEqual(ids.map((id) => `${id}: body of ${id}`).toSorted())
    expect([...look(queue).messages(), ...look(queue).deadLetters()]).toEqual([])
  })
})
