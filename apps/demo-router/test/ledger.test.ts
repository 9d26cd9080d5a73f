import type { ReceivedMessage } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { createLedger } from '../src/demo/ledger.ts'

const BODY = '{"ref":"refs/heads/main"}'
const good = {
  messageId: 'd-1',
  correlationId: 'd-1',
  seal: { keyId: 'key-c', encryptedAt: new Date(0), audience: undefined, attributes: { 'github-event': 'push' } },
}

/** What the books say after a bot read a message with these facts and bytes. */
const readWith = (change: object, bytes: string | Uint8Array = BODY) => {
  const ledger = createLedger()
  const entry = ledger.post('d-1', { event: 'push', body: BODY }, 'spec-sentinel')
  ledger.read(
    { queue: 'spec-sentinel', key: '7' },
    { ...good, ...change } as unknown as ReceivedMessage,
    Buffer.from(bytes),
  )
  return { ledger, entry }
}

describe('the books of a run', () => {
  it('take a delivery for intact when bytes, correlation id and proven event are those that were posted (DR6)', () => {
    expect(readWith({}).entry.reads).toMatchObject([{ queue: 'spec-sentinel', isIntact: true }])
  })

  it.each([
    ['other bytes', {}, '{"ref":"refs/heads/mair"}'],
    ['more bytes', {}, `${BODY} `],
    ['another correlation id', { correlationId: 'd-2' }, BODY],
    ['no correlation id', { correlationId: undefined }, BODY],
    ['another event', { seal: { ...good.seal, attributes: { 'github-event': 'issues' } } }, BODY],
    ['an event that nothing proves', { seal: { ...good.seal, attributes: {} } }, BODY],
    ['no seal', { seal: null }, BODY],
  ])('do not with %s', (_name, change, bytes) => {
    expect(readWith(change, bytes).entry.reads).toMatchObject([{ isIntact: false }])
  })

  it('count a message that nobody posted, and know where each read message lay', () => {
    const { ledger, entry } = readWith({ messageId: 'd-9' })
    expect([ledger.strangers, entry.reads]).toEqual([1, []])
    expect(ledger.wasRead({ queue: 'spec-sentinel', key: '7' })).toBe(true)
    expect(ledger.wasRead({ queue: 'merge-warden', key: '8' })).toBe(false)
  })
})
