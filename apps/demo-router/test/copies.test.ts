import { describe, expect, it } from 'vitest'
import { createCopies } from '../src/broker/copies.ts'

const message = (messageId: string, text = messageId) => ({ messageId, body: Buffer.from(text), attributes: {} })
const delivered = (brokerMessageId: string, messageId: string, text = messageId) => ({
  ...message(messageId, text),
  brokerMessageId,
})

describe('the copies at a broker that tells no sender their numbers', () => {
  it('are told apart although their message ids are the same: by their bytes', () => {
    const copies = createCopies()
    const original = copies.add('merge-warden', message('m', 'one'))
    const altered = copies.add('merge-warden', message('m', 'two'))
    expect(copies.delivered('merge-warden', delivered('7', 'm', 'two'))).toBe(altered)
    expect(copies.delivered('merge-warden', delivered('8', 'm', 'one'))).toBe(original)
    expect(copies.find('merge-warden', '7')).toBe(altered)
  })

  it('are told apart by their attributes where the bytes are the same', () => {
    const copies = createCopies()
    copies.add('merge-warden', { ...message('m'), attributes: { event: 'issues' } })
    const edited = copies.add('merge-warden', { ...message('m'), attributes: { event: 'push', a: 'b' } })
    const delivery = { ...delivered('7', 'm'), attributes: { a: 'b', event: 'push' } }
    expect(copies.delivered('merge-warden', delivery)).toBe(edited)
  })

  it('come in the order in which they were stored where nothing tells them apart, and stay themselves', () => {
    const copies = createCopies()
    const [first, second] = [copies.add('merge-warden', message('m')), copies.add('merge-warden', message('m'))]
    expect(copies.delivered('merge-warden', delivered('7', 'm'))).toBe(first)
    expect(copies.delivered('merge-warden', delivered('7', 'm'))).toBe(first)
    expect(copies.delivered('merge-warden', delivered('8', 'm'))).toBe(second)
  })

  it('are known by the number of their own queue alone', () => {
    const copies = createCopies()
    const one = copies.delivered('merge-warden', delivered('7', 'm'))
    const other = copies.delivered('task-tactician', delivered('7', 'm'))
    expect(other).not.toBe(one)
    expect([one.queue, other.queue]).toEqual(['merge-warden', 'task-tactician'])
  })

  it('are found where nobody was seen to send them, and lie until they leave', () => {
    const copies = createCopies()
    const stranger = copies.delivered('merge-warden', delivered('7', 'm'))
    expect(copies.lyingIn('merge-warden')).toEqual([stranger])
    copies.remove(stranger)
    expect(copies.lyingIn('merge-warden')).toEqual([])
    expect(copies.find('merge-warden', '7')).toBe(stranger)
  })

  it('keep their key when they are put back', () => {
    const copies = createCopies()
    const copy = copies.add('merge-warden', message('m'))
    copies.remove(copies.delivered('merge-warden', delivered('7', 'm')))
    copies.restore(copy)
    expect(copies.delivered('merge-warden', delivered('9', 'm'))).toBe(copy)
    expect(copies.lyingIn('merge-warden')).toEqual([copy])
  })

  it('are forgotten by number when very many came after them', () => {
    const copies = createCopies()
    const waiting = copies.delivered('merge-warden', delivered('waiting', 'w'))
    for (let id = 0; id <= 600; id += 1) copies.remove(copies.delivered('merge-warden', delivered(String(id), 'm')))
    expect(copies.find('merge-warden', '0')).toBeUndefined()
    expect(copies.find('merge-warden', '200')).toBeDefined()
    // One that lies there still is known, however long ago it came.
    expect(copies.lyingIn('merge-warden')).toEqual([waiting])
    expect(copies.find('merge-warden', 'waiting')).toBe(waiting)
  })
})
