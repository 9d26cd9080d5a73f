import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createQueueClient, type ReceivedMessage } from '../src/index.ts'
import { fakeClock, testMessage } from '../src/testing.ts'
import { providerOf, scriptedDelivery, transportOf } from './client-support.ts'

const START = Date.UTC(2026, 0, 1)

/** What a client hands over. */
const received = async (body: Uint8Array): Promise<ReceivedMessage> => {
  const clock = fakeClock(START)
  const { delivery } = scriptedDelivery(clock, { body })
  const provider = providerOf(transportOf({ receive: async () => [delivery] }))
  const client = createQueueClient({ provider, queue: 'orders', clock, logger: false })
  const message = await client.receive({ waitMs: 0 })
  if (message === null) throw new Error('There is no message.')
  return message
}

describe('a test message', () => {
  it('has all that a message from a broker has, and its outcome', async () => {
    const body = new TextEncoder().encode('{"order":7}')
    const real = await received(body)
    const { outcome, ...rest } = Object.getOwnPropertyDescriptors(testMessage({ body }))
    const shapeOf = (descriptors: Record<string, PropertyDescriptor>) =>
      Object.fromEntries(
        Reflect.ownKeys(descriptors).map((name) => {
          const { enumerable, get, value } = descriptors[name as string] ?? {}
          return [String(name), [enumerable, typeof get, typeof value === 'function']]
        }),
      )
    expect(shapeOf(rest)).toEqual(shapeOf(Object.getOwnPropertyDescriptors(real)))
    expect(outcome).toMatchObject({ enumerable: true })
  })

  it('carries what its sender gave, with the same defaults', () => {
    const fields = { messageId: 'm-1', sessionId: 's', correlationId: 'c', attributes: { a: 'b' } }
    expect(testMessage({ json: { order: 7 }, ...fields })).toMatchObject({
      ...{ ...fields, contentType: 'application/json', seal: null },
      ...{ brokerMessageId: '1', deliveryCount: 1, enqueuedAt: expect.any(Date), outcome: null },
    })
    expect(testMessage({ body: 'a' }).messageId).not.toBe(testMessage({ body: 'a' }).messageId)
    expect(testMessage({ body: 'a', deliveryCount: 3, brokerMessageId: 'b', enqueuedAt: new Date(7) })).toMatchObject({
      ...{ deliveryCount: 3, brokerMessageId: 'b', enqueuedAt: new Date(7) },
    })
  })

  it('reads its body as UTF-8 and JSON, or says that it is none (M12)', () => {
    const message = testMessage({ json: { order: 7 } })
    expect([message.text(), message.json()]).toEqual(['{"order":7}', { order: 7 }])
    const broken = testMessage({ body: Uint8Array.of(0xff), messageId: 'm-1' })
    const invalid = expect.objectContaining({ code: 'InvalidBody', messageId: 'm-1' })
    expect(() => broken.text()).toThrow(invalid)
    expect(() => broken.json()).toThrow(invalid)
  })

  it('has a body of its own', () => {
    const body = Uint8Array.of(1, 2, 3)
    const message = testMessage({ body })
    body.fill(0)
    expect([...message.body]).toEqual([1, 2, 3])
  })

  it('is plaintext, or sealed as far as the test cares', () => {
    const clock = fakeClock(START)
    const now = new Date(START)
    expect(testMessage({ body: 'a', seal: {}, clock }).seal).toEqual({
      ...{ keyId: 'test-key', encryptedAt: now, audience: undefined, attributes: {} },
    })
    const message = testMessage({
      ...{ body: 'a', attributes: { colour: 'red' }, clock },
      seal: { keyId: 'k', encryptedAt: new Date(7), audience: 'shop', attributes: { tenant: 'blue' } },
    })
    expect(message.seal).toEqual({
      ...{ keyId: 'k', encryptedAt: new Date(7), audience: 'shop', attributes: { tenant: 'blue' } },
    })
    expect(message.attributes).toEqual({ colour: 'red', tenant: 'blue' })
  })

  it('remembers what became of it', async () => {
    const outcomeAfter = async (settle: (message: ReceivedMessage) => Promise<unknown>) => {
      const message = testMessage({ body: 'a' })
      await settle(message)
      return message.outcome
    }
    expect(await outcomeAfter(async () => {})).toBe(null)
    expect(await outcomeAfter((message) => message.complete())).toEqual({ action: 'complete' })
    expect(await outcomeAfter((message) => message.abandon())).toEqual({ action: 'abandon', delayMs: 0 })
    expect(await outcomeAfter((message) => message.abandon({ delayMs: 5 }))).toEqual({ action: 'abandon', delayMs: 5 })
    expect(await outcomeAfter((message) => message.deadLetter({ reason: 'r', description: 'd' }))).toEqual({
      ...{ action: 'dead-letter', reason: 'r', description: 'd' },
    })
    expect(await outcomeAfter(async (message) => message[Symbol.asyncDispose]())).toEqual({
      action: 'abandon',
      delayMs: 0,
    })
    expect(await outcomeAfter((message) => message.renewLock())).toBe(null)
  })

  it('settles once (C7)', async () => {
    const message = testMessage({ body: 'a', messageId: 'm-1' })
    await message.complete()
    await expect(message.abandon()).rejects.toMatchObject({ code: 'AlreadySettled', messageId: 'm-1' })
    expect(message.outcome).toEqual({ action: 'complete' })
  })

  it('settles under its lock alone, which is renewed by hand (C7)', async () => {
    const clock = fakeClock(START)
    const message = testMessage({ body: 'a', clock, lockMs: 1_000 })
    expect(message.lockedUntil).toEqual(new Date(START + 1_000))
    await clock.advance(999)
    expect(await message.renewLock()).toEqual(new Date(START + 1_999))
    expect(message.lockedUntil).toEqual(new Date(START + 1_999))
  })

  it.each<[string, (message: ReceivedMessage) => Promise<unknown>]>([
    ['complete', (message) => message.complete()],
    ['abandon', (message) => message.abandon()],
    ['deadLetter', (message) => message.deadLetter({ reason: 'r' })],
    ['renewLock', (message) => message.renewLock()],
  ])('gives MessageLockLost to %s once its lock ended, and nothing becomes of it (C7)', async (operation, act) => {
    const clock = fakeClock(START)
    const message = testMessage({ body: 'a', clock, lockMs: 1_000 })
    await clock.advance(1_000)
    await expect(act(message)).rejects.toMatchObject({ code: 'MessageLockLost', operation })
    expect(message.outcome).toBe(null)
  })

  it('hides its body when it is printed (C24)', () => {
    const message = testMessage({ body: 'a secret', messageId: 'm-1' })
    const printed = inspect(message, { showHidden: true }) + JSON.stringify(message)
    expect(printed).toContain('m-1')
    expect(printed).not.toMatch(/a secret|97, ?32, ?115/)
  })

  it.each([
    ['messageId', { body: 'a', messageId: 'with space' }, 'Validation'],
    ['attributes.qr-x', { body: 'a', attributes: { 'qr-x': '1' } }, 'Validation'],
    ['body', {}, 'Validation'],
    ['deliverCount', { body: 'a', deliverCount: 2 }, 'Validation'],
    ['deliveryCount', { body: 'a', deliveryCount: 0 }, 'Configuration'],
    ['brokerMessageId', { body: 'a', brokerMessageId: 7 }, 'Configuration'],
    ['enqueuedAt', { body: 'a', enqueuedAt: 'now' }, 'Configuration'],
    ['seal', { body: 'a', seal: true }, 'Configuration'],
    ['lockMs', { body: 'a', lockMs: 0 }, 'Configuration'],
    ['clock', { body: 'a', clock: Date }, 'Configuration'],
  ])('refuses a wrong %s', (field, fields, code) => {
    expect(() => testMessage(fields as never)).toThrow(
      expect.objectContaining({ code, facts: expect.objectContaining({ field }) }),
    )
  })
})
