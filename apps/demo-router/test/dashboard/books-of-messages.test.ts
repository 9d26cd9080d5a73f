import { QueueError, type ReceivedMessage, type RejectedMessage } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { createCopies } from '../../src/broker/copies.ts'
import type { MessageRow } from '../../src/dashboard/events.ts'
import { createMessages } from '../../src/dashboard/messages.ts'
import { createPoints } from '../../src/dashboard/points.ts'

const QUEUE = 'merge-warden'
/** protocol.md 8, the smallest vector: key test-key-1, 2026-01-01, body "hello". */
const SEALED = Buffer.from(
  '5152453101000000019b76daa8000a0b0c0d0e0f101112131415000000050a746573742d6b65792d3107d856a404df14f36e4ef78ec6ecec1a3dad7872d9',
  'hex',
)
const SEALED_AT = Date.UTC(2026, 0, 1)

const copies = createCopies()
const copyOf = (body: Uint8Array = SEALED) =>
  copies.add(QUEUE, { messageId: 'm-1', body, correlationId: 'c-1', attributes: { 'github-event': 'issues' } })

const received = (encryptedAt = SEALED_AT) =>
  ({ messageId: 'm-1', seal: { encryptedAt: new Date(encryptedAt) } }) as ReceivedMessage
const plain = (enqueuedAt: number) =>
  ({ messageId: 'm-1', seal: null, enqueuedAt: new Date(enqueuedAt) }) as ReceivedMessage
const rejected = (action: 'complete' | 'hold' | 'dead-letter') =>
  ({
    error: new QueueError('AuthenticationFailed', 'no'),
    disposition: action === 'dead-letter' ? { action, reason: 'qr.rejected' } : { action },
  }) as RejectedMessage

const bookkeeping = () => {
  const rows: MessageRow[] = []
  const messages = createMessages((row) => rows.push(row))
  return { messages, rows, stages: () => rows.map(({ stage }) => stage) }
}

describe('the books of the newest messages', () => {
  it('show what the broker stores beside what the bot read', () => {
    const { messages } = bookkeeping()
    const copy = copyOf()
    messages.stored(copy)
    messages.read(copy, received(), Buffer.from('hello'))
    expect(messages.find(copy.key)).toMatchObject({
      ...{ key: copy.key, queue: QUEUE, messageId: 'm-1', event: 'issues', sealed: true, keyId: 'test-key-1' },
      ...{ storedBytes: SEALED.length, hex: SEALED.toString('hex'), correlationId: 'c-1', sessionId: null },
      ...{ readBytes: 5, text: 'hello', stage: 'read' },
    })
    expect(messages.find(copy.key)?.fields.map(({ name }) => name)).toContain('nonce')
  })

  it('follow a message to its end', () => {
    const { messages, stages } = bookkeeping()
    const copy = copyOf()
    messages.stored(copy)
    messages.read(copy, received(), SEALED)
    messages.completed(copy)
    expect(stages()).toEqual(['stored', 'read', 'completed'])
  })

  it('follow a refused one to the dead letters, whichever is told first', () => {
    for (const order of ['refusal first', 'letter first']) {
      const { messages, rows } = bookkeeping()
      const copy = copyOf()
      messages.stored(copy)
      const tell = [
        () => messages.rejected(copy, rejected('dead-letter')),
        () => messages.dead(copy, { reason: 'qr.rejected' }),
      ]
      for (const one of order === 'letter first' ? tell.reverse() : tell) one()
      expect(rows.at(-1)).toMatchObject({
        stage: 'dead',
        refusal: 'AuthenticationFailed',
        deadLetterReason: 'qr.rejected',
      })
    }
  })

  it('show a duplicate that was removed as refused, not as handled', () => {
    const { messages, rows } = bookkeeping()
    const copy = copyOf()
    messages.stored(copy)
    messages.completed(copy)
    messages.rejected(copy, rejected('complete'))
    expect(rows.at(-1)).toMatchObject({ stage: 'refused', refusal: 'AuthenticationFailed' })
  })

  it('show one that waits for the end of an outage as waiting', () => {
    const { messages, rows } = bookkeeping()
    const copy = copyOf()
    messages.stored(copy)
    messages.rejected(copy, rejected('hold'))
    expect(rows).toMatchObject([{ stage: 'stored', refusal: null }])
  })

  it('tell plaintext, and what an attacker did', () => {
    const { messages, rows } = bookkeeping()
    const [forged, stolen] = [copyOf(Buffer.from('{}')), copyOf()]
    messages.attacked('inject-plaintext', forged)
    messages.stored(stolen)
    messages.taken(stolen)
    expect(rows.at(0)).toMatchObject({ attack: 'inject-plaintext', sealed: false, keyId: null, stage: 'stored' })
    expect(rows.at(-1)).toMatchObject({ key: stolen.key, stage: 'gone' })
  })

  it('keep the newest, newest first, and of each only so much', () => {
    const { messages } = bookkeeping()
    const all = Array.from({ length: 500 }, () => copyOf(new Uint8Array(10_000)))
    for (const copy of all) messages.stored(copy)
    const rows = messages.rows()
    expect(rows).toHaveLength(200)
    expect(rows[0]?.key).toBe(all.at(-1)?.key)
    expect(messages.find(all[0]?.key ?? '')).toBeUndefined()
    expect(messages.find(all.at(-1)?.key ?? '')?.hex.length).toBeLessThan(10_000)
    messages.completed(all[0] ?? copyOf())
    expect(messages.rows()).toHaveLength(200)
  })
})

describe('the points of each second', () => {
  const NO_DEPTH = { 'task-tactician': null, 'merge-warden': null, 'spec-sentinel': null }
  const own = (points: ReturnType<typeof createPoints>) =>
    points.tick({ ...NO_DEPTH, [QUEUE]: 3 }).find(({ queue }) => queue === QUEUE)

  it('count what was sent, sealed or not, handled and refused; a new second begins at nothing', () => {
    const points = createPoints(() => SEALED_AT)
    const copy = copyOf()
    points.stored(copy)
    points.stored(copyOf(Buffer.from('{}')))
    points.read(copy, received(), SEALED)
    points.completed(copy)
    points.rejected(copyOf(), rejected('dead-letter'))
    expect(own(points)).toMatchObject({ sent: 2, sealed: 1, plaintext: 1, handled: 1, refused: 1, depth: 3 })
    expect(own(points)).toMatchObject({
      sent: 0,
      sealed: 0,
      plaintext: 0,
      handled: 0,
      refused: 0,
      latencyP50Ms: null,
      ageMs: null,
    })
  })

  it('measure from the sealing to the end of the handler, and the age of the oldest', () => {
    let now = SEALED_AT
    const points = createPoints(() => now)
    for (const ageMs of [10, 20, 400]) {
      const copy = copyOf()
      now = SEALED_AT + ageMs
      points.read(copy, ageMs === 400 ? plain(SEALED_AT) : received(), SEALED)
      now += 5
      points.completed(copy)
    }
    expect(own(points)).toMatchObject({ handled: 3, latencyP50Ms: 25, latencyP95Ms: 405, ageMs: 400 })
  })

  it('do not take a refused duplicate that was completed for a handled one, nor what is held for a refused one', () => {
    const points = createPoints(() => SEALED_AT)
    points.completed(copyOf())
    points.rejected(copyOf(), rejected('hold'))
    expect(own(points)).toMatchObject({ handled: 0, refused: 0 })
  })

  it('know how many dead letters there are, and keep five minutes', () => {
    const points = createPoints(() => SEALED_AT)
    for (const copy of [copyOf(), copyOf(), copyOf()]) points.dead(copy, { reason: 'qr.rejected' })
    points.redriven(QUEUE, 2)
    expect(points.totals(QUEUE)).toEqual({ sent: 0, handled: 0, refused: 0, deadLetters: 1 })
    for (let second = 0; second < 400; second += 1) own(points)
    expect(points.history).toHaveLength(300 * 3)
  })
})
