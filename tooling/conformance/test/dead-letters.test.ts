import { inspect } from 'node:util'
import { type DeadLetter, QueueError, type QueueProvider } from '@queue-runtime/core'
import { memoryNonceStore } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { meterRecorder, valuesOf } from '../../../packages/core/test/telemetry-support.ts'
import { type Desk, LOCK_MS, minutes, setUpDesk } from './letters-support.ts'

const readAll = async (letters: AsyncIterable<DeadLetter>): Promise<DeadLetter[]> => {
  const read: DeadLetter[] = []
  for await (const letter of letters) read.push(letter)
  return read
}

const edit = ({ stored }: Desk, change: Parameters<Desk['stored']['replace']>[1]): void => {
  stored.replace(stored.deadLetters()[0]?.brokerMessageId ?? '', change)
}

describe('a dead letter', () => {
  it('carries the facts of its message, and why it was set aside (C9, D1)', async () => {
    const desk = setUpDesk()
    const fields = { messageId: 'm-1', sessionId: 's', correlationId: 'c', contentType: 'text/plain' }
    await desk.client.send({ body: 'hello', attributes: { a: 'b' }, ...fields })
    await (await desk.next()).deadLetter({ reason: 'order.unknown', description: 'no such order' })
    const [letter] = await readAll(desk.client.deadLetters().messages())
    expect(letter).toMatchObject({
      ...{ ...fields, attributes: { a: 'b' }, deliveryCount: 2, enqueuedAt: new Date(desk.clock.now()) },
      ...{ reason: 'order.unknown', description: 'no such order' },
    })
  })

  it('is sealed as it came: whoever reads the dead-letter queue reads no body (D5)', async () => {
    const desk = setUpDesk()
    await desk.client.send({ body: 'a secret', messageId: 'm-1' })
    const [before] = desk.stored.messages()
    await (await desk.next()).deadLetter({ reason: 'r' })
    const [after] = desk.stored.deadLetters()
    expect(Buffer.from(after?.body ?? [])).toEqual(Buffer.from(before?.body ?? [1]))
  })

  it('of a handler that failed tells the class of its error and not its text (D1, attack 41)', async () => {
    const desk = setUpDesk()
    await desk.client.send({ body: 'not JSON: secret', messageId: 'm-1' })
    const consumer = desk.client.consume((message) => message.json())
    await desk.clock.advance(1)
    await consumer.close()
    expect(desk.stored.deadLetters()).toMatchObject([
      { deadLettered: { reason: 'qr.invalid-body', description: 'InvalidBody' } },
    ])
  })

  it('shows neither body nor anything of it when it is printed (C24)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const [letter] = await readAll(desk.client.deadLetters().messages())
    await letter?.open()
    const printed = [inspect(letter, { depth: 9, showHidden: true }), JSON.stringify(letter), String(letter)].join()
    expect(printed).toContain('because.m-1')
    expect(printed).not.toMatch(/body of|QRE1/)
    expect(Object.keys(letter ?? {})).not.toContain('body')
  })
})

describe('opening a letter', () => {
  const theOnly = async (desk: Desk): Promise<DeadLetter> => {
    const [letter] = await readAll(desk.client.deadLetters().messages())
    if (letter === undefined) throw new Error('There is no letter.')
    return letter
  }

  it('gives its content and its seal, however old it is (D5)', async () => {
    const desk = setUpDesk()
    await desk.client.send({ json: { order: 7 }, messageId: 'm-1' })
    await (await desk.next()).deadLetter({ reason: 'r' })
    const sealedAt = new Date(desk.clock.now())
    await desk.clock.advance(minutes(60 * 24 * 30))
    const content = await (await theOnly(desk)).open()
    expect(content.json()).toEqual({ order: 7 })
    expect(content.seal).toMatchObject({ keyId: 'key-1', encryptedAt: sealedAt })
  })

  it('claims nothing: any number of times, and handled messages too (protocol.md 5)', async () => {
    const desk = setUpDesk()
    const nonceStore = memoryNonceStore({ clock: desk.clock })
    const guarded = desk.another({ nonceStore })
    await desk.client.send({ body: 'a', messageId: 'm-1' })
    const [copy] = desk.stored.messages()
    await (await desk.next(guarded)).deadLetter({ reason: 'r' })
    for (let count = 0; count < 2; count += 1) {
      const [letter] = await readAll(guarded.deadLetters().messages())
      expect((await letter?.open())?.text()).toBe('a')
    }
    desk.stored.put({ ...copy, messageId: 'm-1', body: copy?.body ?? new Uint8Array() })
    const message = await desk.next(guarded)
    await message.complete()
    const [letter] = await readAll(guarded.deadLetters().messages())
    expect((await letter?.open())?.text()).toBe('a')
  })

  it('verifies the tag: what was altered does not open (A25)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    edit(desk, { correlationId: 'another' })
    await expect((await theOnly(desk)).open()).rejects.toMatchObject({ code: 'AuthenticationFailed' })
  })

  it('of plaintext follows the policy (A37)', async () => {
    const strict = setUpDesk()
    strict.stored.put({ messageId: 'm-1', body: Buffer.from('clear') })
    expect(await strict.client.receive({ waitMs: 0 })).toBe(null)
    await expect((await theOnly(strict)).open()).rejects.toMatchObject({ code: 'UnencryptedMessage' })
    const [letter] = await readAll(strict.another({ plaintextPolicy: 'allow' }).deadLetters().messages())
    expect(await letter?.open()).toMatchObject({ seal: null })
  })

  it('is possible for a client that only receives (protocol.md 4.1)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const [letter] = await readAll(desk.another({ enabled: undefined }).deadLetters().messages())
    expect((await letter?.open())?.text()).toBe('body of m-1')
  })

  it('in an outage of the key store says so, and can be tried again', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    desk.keysFail = new QueueError('KeyProviderError', 'The key store is down.')
    const letter = await theOnly(desk)
    await expect(letter.open()).rejects.toMatchObject({ code: 'KeyProviderError', isTransient: true })
    desk.keysFail = undefined
    expect((await letter.open()).text()).toBe('body of m-1')
  })

  it('gives a body of its own each time', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const letter = await theOnly(desk)
    const first = await letter.open()
    first.body.fill(0)
    expect((await letter.open()).text()).toBe('body of m-1')
  })
})

describe('a pass over the letters', () => {
  it('gives each once, in order, and gives back what was not settled (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    for await (const letter of desk.client.deadLetters().messages()) {
      if (letter.messageId === 'm-2') await letter.complete()
    }
    expect(desk.stored.deadLetters()).toMatchObject([
      { messageId: 'm-1', state: 'active' },
      { messageId: 'm-3', state: 'active' },
    ])
    const again = await readAll(desk.client.deadLetters().messages())
    expect(again.map(({ messageId }) => messageId)).toEqual(['m-1', 'm-3'])
  })

  it('gives at most so many', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    const letters = await readAll(desk.client.deadLetters().messages({ maxMessages: 2 }))
    expect(letters.map(({ messageId }) => messageId)).toEqual(['m-1', 'm-2'])
    expect(desk.stored.deadLetters().map(({ state }) => state)).toEqual(Array(3).fill('active'))
  })

  it('that is left in its middle gives back what it holds', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    for await (const _ of desk.client.deadLetters().messages()) break
    expect(desk.stored.deadLetters().map(({ state }) => state)).toEqual(['active', 'active'])
  })

  it('leaves what somebody else holds', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const seen: string[] = []
    for await (const letter of desk.client.deadLetters().messages()) {
      seen.push(letter.messageId)
      const others = await readAll(desk.another().deadLetters().messages())
      seen.push(...others.map(({ messageId }) => `other ${messageId}`))
    }
    expect(seen).toEqual(['m-1', 'other m-2', 'm-2'])
  })

  it('keeps the lock of a letter that is worked on, for five minutes after its last step (S12)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const letters = desk.client.deadLetters().messages()[Symbol.asyncIterator]()
    const { value: letter } = await letters.next()
    await desk.clock.advance(minutes(5))
    expect(desk.stored.deadLetters()).toMatchObject([{ state: 'locked' }])
    await desk.clock.advance(LOCK_MS)
    expect(desk.stored.deadLetters()).toMatchObject([{ state: 'active' }])
    await expect(letter.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    await letters.return?.()
  })

  it('ends without an error when it is aborted, also while the broker is asked (C6)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const controller = new AbortController()
    let looks = 0
    desk.faults = ({ of }) => {
      if (of === 'dead-letters') looks += 1
      return looks === 2 ? { delayMs: Number.POSITIVE_INFINITY } : undefined
    }
    const seen: string[] = []
    const reading = (async () => {
      for await (const { messageId } of desk.client.deadLetters().messages({ signal: controller.signal })) {
        seen.push(messageId)
      }
    })()
    await desk.clock.advance(1)
    controller.abort(new Error('enough'))
    await reading
    expect(seen).toEqual(['m-1'])
    expect(desk.stored.deadLetters()).toMatchObject([{ state: 'active' }, { state: 'active' }])
  })

  it('rejects with what the broker reports, and holds nothing', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const denied = new QueueError('PermissionDenied', 'You may not read them.')
    desk.faults = ({ of }) => (of === 'dead-letters' ? { failBefore: denied } : undefined)
    await expect(readAll(desk.client.deadLetters().messages())).rejects.toMatchObject({ code: 'PermissionDenied' })
  })

  it('that nobody goes on with does not keep its client from closing, which gives its letters back (C21)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const client = desk.another()
    const letters = client.deadLetters().messages()[Symbol.asyncIterator]()
    await letters.next()
    await client.close()
    expect(desk.stored.deadLetters()).toMatchObject([{ state: 'active' }])
    expect(() => client.deadLetters()).toThrow(expect.objectContaining({ code: 'ClientClosed' }))
  })

  it('closes the receiver that it opened', async () => {
    const open: number[] = [0]
    const desk = setUpDesk()
    await desk.bury('m-1')
    const count = (change: number): void => void open.push((open.at(-1) ?? 0) + change)
    const provider: QueueProvider = {
      name: 'counting',
      open: () => {
        const transport = desk.provider.open('orders')
        return {
          ...transport,
          deadLetters: () => {
            const receiver = transport.deadLetters?.()
            if (receiver === undefined) throw new Error('The provider has no letters.')
            count(1)
            return {
              receive: receiver.receive,
              async close() {
                count(-1)
                await receiver.close()
              },
            }
          },
        }
      },
    }
    const client = desk.another({}, { provider })
    await readAll(client.deadLetters().messages())
    await client.deadLetters().redrive()
    expect(open).toEqual([0, 1, 0, 1, 0])
  })

  it('counts for none of the rates of the queue (O1)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const metrics = meterRecorder()
    const client = desk.another({}, { meterProvider: metrics.provider })
    for await (const letter of client.deadLetters().messages()) await letter.complete()
    expect(Object.keys(await valuesOf(metrics))).not.toContain('queue_messages_completed_total')
  })
})

describe('a message that cannot be made a letter', () => {
  it('stays in the queue, and whoever wanted it is told why (D6, edge 14)', async () => {
    const desk = setUpDesk()
    await desk.client.send({ body: 'a', messageId: 'm-1' })
    const outage = new QueueError('ConnectionFailed', 'The dead-letter queue does not answer.')
    desk.faults = ({ operation }) => (operation === 'deadLetter' ? { failBefore: outage } : undefined)
    const message = await desk.next()
    await expect(message.deadLetter({ reason: 'r' })).rejects.toMatchObject({ code: 'ConnectionFailed' })
    expect(desk.stored.messages()).toMatchObject([{ messageId: 'm-1', state: 'locked' }])
    desk.faults = () => undefined
    await message.deadLetter({ reason: 'r' })
    expect(desk.letters()).toEqual(['m-1'])
  })

  it('stays in the queue where there is none (D6)', async () => {
    const desk = setUpDesk({}, { deadLetter: false })
    await desk.client.send({ body: 'a', messageId: 'm-1' })
    const message = await desk.next()
    const unsupported = { code: 'Unsupported', facts: { feature: 'dead-letter' } }
    await expect(message.deadLetter({ reason: 'r' })).rejects.toMatchObject(unsupported)
    expect(() => desk.client.deadLetters()).toThrow(expect.objectContaining(unsupported))
    await message.abandon()
    expect(desk.stored.messages()).toMatchObject([{ messageId: 'm-1', state: 'active' }])
  })

  it('though it was refused, stays in the queue; the log says so (D6, edge 14)', async () => {
    const desk = setUpDesk()
    desk.stored.put({ messageId: 'm-1', body: Buffer.from('forged') })
    const outage = new QueueError('ConnectionFailed', 'The dead-letter queue does not answer.')
    desk.faults = ({ operation }) => (operation === 'deadLetter' ? { failBefore: outage } : undefined)
    const { rejected } = await desk.client.receiveBatch({ waitMs: 0 })
    expect(rejected).toMatchObject([{ error: { code: 'UnencryptedMessage' }, settled: false }])
    expect(desk.stored.messages()).toMatchObject([{ messageId: 'm-1', state: 'locked' }])
    expect(desk.lines).toContainEqual({
      level: 'error',
      text: 'A refused message could not be settled and stays in the queue',
      fields: expect.objectContaining({ settle_error_type: 'ConnectionFailed' }),
    })
  })
})
