import { describe, expect, it } from 'vitest'
import { createHandling } from '../src/consuming/handling.ts'
import { createReceivedMessage } from '../src/message/received-message.ts'
import { createSettlement } from '../src/settling/settlement.ts'
import { fakeClock } from '../src/testing.ts'
import { incoming } from './support.ts'

const done = async (): Promise<void> => {}

describe('a handler', () => {
  it('that starts while its consumer closes is told so from the first moment', async () => {
    const clock = fakeClock(1_000)
    const message = incoming({ lockedUntil: new Date(31_000) })
    const delivery = {
      message,
      complete: done,
      abandon: done,
      deadLetter: done,
      renewLock: async () => new Date(61_000),
    }
    const settlement = createSettlement(delivery, null, { queue: 'orders', onEnd: () => {} })
    const stop = new AbortController()
    stop.abort(new Error('closing'))
    const seen: unknown[] = []
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    const handling = createHandling({
      ...{ queue: 'orders', logger: silent, clock, onError: undefined, stopping: stop.signal },
      handler: (_, { signal }) => void seen.push(signal.aborted, signal.reason.message),
    })
    await handling.handle(createReceivedMessage(message, { body: message.body, seal: null }, settlement))
    expect([seen, settlement.isOpen]).toEqual([[true, 'closing'], false])
  })
})
