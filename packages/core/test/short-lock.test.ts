import { describe, expect, it } from 'vitest'
import type { Delivery, QueueProtection } from '../src/provider.ts'
import { createJudge } from '../src/receiving/judge.ts'
import { fakeClock } from '../src/testing.ts'
import { incoming } from './support.ts'

const NOW = 1_000_000

/** One delivery with so much of its lock left, and what happened to it, in order. */
const judgeWith = async (leftMs: number, { deliveryCount = 1, renew = async () => {} } = {}) => {
  const events: string[] = []
  let lockedUntil = new Date(NOW + leftMs)
  const delivery: Delivery = {
    message: Object.defineProperty(incoming({ deliveryCount }), 'lockedUntil', { get: () => lockedUntil }),
    complete: async () => {},
    abandon: async () => {},
    deadLetter: async () => {},
    async renewLock() {
      events.push('renewed')
      await renew()
      lockedUntil = new Date(NOW + 30_000)
      return lockedUntil
    },
  }
  const unprotect: QueueProtection['unprotect'] = async (messages) =>
    messages.map(({ body, lockedUntil }) => {
      events.push(`opened with ${lockedUntil.getTime() - NOW} ms left`)
      return { body, seal: null, claim: null }
    })
  const protection: QueueProtection = {
    protect: async () => Promise.reject(new Error('nothing is sent')),
    unprotect,
  }
  const judge = createJudge({ queue: 'orders', protection, maxDeliveries: 3, clock: fakeClock(NOW) })
  await judge([delivery], new AbortController().signal)
  return events
}

describe('a lock that is about to end (protocol.md 5)', () => {
  it('is renewed before the message is opened', async () => {
    expect(await judgeWith(1_249)).toEqual(['renewed', 'opened with 30000 ms left'])
  })

  it('is left alone from 1.25 s on', async () => {
    expect(await judgeWith(1_250)).toEqual(['opened with 1250 ms left'])
  })

  it('is left to unprotecting where it cannot be renewed', async () => {
    const renew = (): Promise<void> => Promise.reject(new Error('gone'))
    expect(await judgeWith(900, { renew })).toEqual(['renewed', 'opened with 900 ms left'])
  })

  it('is not renewed for poison, which nobody opens', async () => {
    expect(await judgeWith(900, { deliveryCount: 4 })).toEqual([])
  })
})
