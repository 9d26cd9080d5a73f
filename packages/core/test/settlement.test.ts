import { describe, expect, it } from 'vitest'
import { QueueError } from '../src/index.ts'
import type { Claim, Delivery } from '../src/provider.ts'
import { createSettlement } from '../src/settling/settlement.ts'
import { incoming, unwatched } from './support.ts'

/** A delivery and a claim that write down what is asked of them, and fail as they are told. */
const scripted = (failures: Record<string, Error> = {}) => {
  const asked: string[] = []
  const answer = (name: string) => async (): Promise<void> => {
    asked.push(name)
    const failure = failures[name]
    delete failures[name]
    if (failure !== undefined) throw failure
  }
  const lockedUntil = new Date(5)
  const delivery: Delivery = {
    message: incoming({ lockedUntil }),
    complete: answer('broker complete'),
    abandon: answer('broker abandon'),
    deadLetter: answer('broker dead-letter'),
    renewLock: async () => {
      await answer('broker renew')()
      return lockedUntil
    },
  }
  const claim: Claim = { confirm: answer('confirm'), release: answer('release'), renew: answer('renew') }
  const ended: string[] = []
  const settlement = createSettlement(delivery, claim, {
    ...{ queue: 'orders', watch: unwatched },
    onEnd: () => void ended.push('ended'),
  })
  return { settlement, asked, ended }
}

const lockLost = new QueueError('MessageLockLost', 'gone')
const outage = new QueueError('ConnectionFailed', 'down')
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('settling once (C7, protocol.md 5)', () => {
  it.each([
    ['complete', ['confirm', 'broker complete']],
    ['abandon', ['release', 'broker abandon']],
    ['deadLetter', ['release', 'broker dead-letter']],
    ['renewLock', ['broker renew', 'renew']],
    ['release', ['release', 'broker abandon']],
  ] as const)('%s asks the claim and the broker in this order: %j', async (operation, order) => {
    const { settlement, asked } = scripted()
    await {
      complete: () => settlement.complete(),
      abandon: () => settlement.abandon({ delayMs: 0 }),
      deadLetter: () => settlement.deadLetter({ reason: 'r' }),
      renewLock: () => settlement.renewLock(),
      release: () => settlement.release(),
    }[operation]()
    expect(asked).toEqual(order)
  })

  it('refuses the second attempt, also while the first is under way', async () => {
    const { settlement, asked, ended } = scripted()
    const first = settlement.complete()
    await expect(settlement.abandon({ delayMs: 0 })).rejects.toEqual(code('AlreadySettled'))
    await first
    await expect(settlement.complete()).rejects.toEqual(code('AlreadySettled'))
    await expect(settlement.renewLock()).rejects.toEqual(code('AlreadySettled'))
    expect([asked, ended]).toEqual([['confirm', 'broker complete'], ['ended']])
  })

  it('does not ask the broker where the claim is lost, and never again', async () => {
    const { settlement, asked, ended } = scripted({ confirm: lockLost })
    await expect(settlement.complete()).rejects.toEqual(code('MessageLockLost'))
    await expect(settlement.complete()).rejects.toEqual(code('MessageLockLost'))
    expect([asked, ended]).toEqual([['confirm'], ['ended']])
  })

  it('may be tried again after an outage; a claim that was released is not released twice', async () => {
    const { settlement, asked, ended } = scripted({ 'broker abandon': outage })
    await expect(settlement.abandon({ delayMs: 0 })).rejects.toEqual(code('ConnectionFailed'))
    expect([settlement.isOpen, ended]).toEqual([true, []])
    await settlement.abandon({ delayMs: 0 })
    expect(asked).toEqual(['release', 'broker abandon', 'broker abandon'])
  })

  it('does not complete at the broker where confirming fails: the message comes again', async () => {
    const { settlement, asked } = scripted({ confirm: new QueueError('NonceStoreUnavailable', 'down') })
    await expect(settlement.complete()).rejects.toEqual(code('NonceStoreUnavailable'))
    expect(asked).toEqual(['confirm'])
    expect(settlement.isOpen).toBe(true)
  })

  it('waits, when the client closes, for what is under way, and then leaves it', async () => {
    const { settlement, asked, ended } = scripted()
    const completing = settlement.complete()
    expect(ended).toEqual([])
    await settlement.release()
    expect([asked, ended]).toEqual([['confirm', 'broker complete'], ['ended']])
    await completing
  })

  it('tells who comes after the client closed that it did', async () => {
    const { settlement } = scripted()
    await settlement.release()
    await expect(settlement.complete()).rejects.toEqual(code('ClientClosed'))
  })
})
