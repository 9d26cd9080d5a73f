import type { ReceivedMessage } from '@queue-runtime/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBooks, inTurn } from '../../src/lab/books.ts'
import { createTraffic } from '../../src/lab/traffic.ts'

const QUEUE = 'merge-warden'
const delivery = { event: 'issues', body: '{"a":1}' }
const place = { queue: QUEUE, key: '1' } as const
const message = { messageId: 'd-1' } as ReceivedMessage
const bytes = Buffer.from(delivery.body)

const openBooks = () => {
  const books = createBooks()
  books.post('d-1', delivery, QUEUE)
  return books
}

describe('the books of a house that lives', () => {
  it('know what is due, and strike it out once its bot has read what was posted', () => {
    const books = openBooks()
    expect(books.due()).toEqual(['d-1'])
    books.read(place, message, bytes)
    expect(books.due()).toEqual([])
    expect(books.tally).toEqual({ posted: 1, read: 1, readAgain: 0, wrong: 0, taken: 0 })
  })

  it('count a second reading, and no stranger', () => {
    const books = openBooks()
    books.read(place, message, bytes)
    books.read(place, message, bytes)
    books.read(place, { ...message, messageId: 'd-2' }, bytes)
    expect(books.tally).toMatchObject({ read: 1, readAgain: 1, wrong: 0 })
  })

  it('are not content with another bot, or with other bytes', () => {
    const books = openBooks()
    books.read({ ...place, queue: 'spec-sentinel' }, message, bytes)
    books.read(place, message, Buffer.from('{"a":2}'))
    expect(books.tally).toMatchObject({ read: 0, wrong: 2 })
    expect(books.due(QUEUE)).toEqual(['d-1'])
  })

  it('do not wait for what an attacker took, nor blame the house for a copy of his', () => {
    const books = openBooks()
    books.take('d-1')
    books.attacked({ key: '9' })
    books.read({ queue: 'spec-sentinel', key: '9' }, message, bytes)
    expect(books.due()).toEqual([])
    expect(books.tally).toMatchObject({ taken: 1, wrong: 0 })
  })

  it('give each queue its turn, for ever', () => {
    const turns = inTurn([
      ['merge-warden', delivery],
      ['task-tactician', delivery],
      ['task-tactician', { ...delivery, body: '{}' }],
    ])
    expect(Array.from({ length: 5 }, () => turns.next().value[0])).toEqual([
      ...['task-tactician', 'merge-warden', 'task-tactician', 'merge-warden', 'task-tactician'],
    ])
  })
})

describe('the flow of deliveries', () => {
  const openTraffic = (answer: (deliveryId: string) => number) => {
    const books = createBooks()
    const asked: string[] = []
    const traffic = createTraffic({
      ...{ books, perSecond: 200, againMs: 5, next: () => [QUEUE, delivery] as const },
      async post(_, deliveryId) {
        asked.push(deliveryId)
        return answer(deliveryId)
      },
    })
    onTestFinished(() => traffic.close())
    return { traffic, books, asked }
  }

  it('is off at first, and goes when it is turned on', async () => {
    const { traffic, asked } = openTraffic(() => 202)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(asked).toEqual([])
    traffic.turn(true)
    await expect.poll(() => asked.length).toBeGreaterThan(3)
    traffic.turn(false)
  })

  it('posts what the router could not take again, under the same id, until it does', async () => {
    let isUp = false
    const { traffic, asked } = openTraffic(() => (isUp ? 202 : 503))
    traffic.turn(true)
    await expect.poll(() => traffic.waiting).toBeGreaterThan(3)
    traffic.turn(false)
    isUp = true
    await expect.poll(() => traffic.waiting).toBe(0)
    const answered = new Set(asked)
    expect(asked.length).toBeGreaterThan(answered.size)
  })

  it('stands still while somebody needs it to, also what is posted again', async () => {
    const { traffic, asked } = openTraffic((id) => (asked.indexOf(id) % 2 === 0 ? 503 : 202))
    traffic.turn(true)
    await expect.poll(() => asked.length).toBeGreaterThan(5)
    await traffic.still(async () => {
      const before = asked.length
      await new Promise((resolve) => setTimeout(resolve, 60))
      // One that was being posted again when it stopped may still be asked for.
      expect(asked.length - before).toBeLessThanOrEqual(1)
    })
    const after = asked.length
    await expect.poll(() => asked.length).toBeGreaterThan(after)
  })

  it('gives up a bait that the router does not take', async () => {
    const { traffic } = openTraffic(() => 500)
    await expect(traffic.deliver(QUEUE, 1)).rejects.toThrow('The router answered 500.')
  })
})
