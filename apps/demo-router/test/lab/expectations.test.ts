import { describe, expect, it } from 'vitest'
import { createExpectations } from '../../src/lab/expectations.ts'

describe('what is expected in the log', () => {
  it('are lines about messages that an attacker touched, and no others', () => {
    const { touch, isExpected } = createExpectations(() => false)
    touch('m-1')
    expect(isExpected({ message_id: 'm-1' })).toBe(true)
    expect(isExpected({ message_id: 'm-2' })).toBe(false)
    expect(isExpected({})).toBe(false)
  })

  it('is everything while an outage or a lenient mode is switched on, and for a while after a switch', () => {
    let isUnusual = true
    const { disturb, isExpected } = createExpectations(() => isUnusual)
    expect(isExpected({})).toBe(true)
    isUnusual = false
    expect(isExpected({})).toBe(false)
    disturb()
    expect(isExpected({})).toBe(true)
  })

  it('is bounded: the oldest are forgotten', () => {
    const { touch, isExpected } = createExpectations(() => false)
    for (let id = 0; id <= 5_000; id += 1) touch(`m-${id}`)
    expect([isExpected({ message_id: 'm-0' }), isExpected({ message_id: 'm-1' })]).toEqual([false, true])
  })
})
