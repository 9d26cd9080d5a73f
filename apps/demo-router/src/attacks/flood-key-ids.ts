import { randomBytes, randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'
import { forged, timeOf } from './envelope-bytes.ts'

/** A list that lacks a key is loaded anew so often at most (protocol.md 6). */
const LIST_EVERY_S = 5

/** protocol.md 9, attack 30: each of them could make the receiver ask the key store. */
export const floodKeyIds: Attack = {
  name: 'flood-key-ids',
  number: 30,
  title: 'Flood with invented key ids',
  description: 'puts many messages under invented key ids into the queue',
  async tamper({ loot: [model], put, crowd }) {
    const flood = Array.from({ length: crowd }, () => ({
      ...model,
      messageId: randomUUID(),
      // Of sessions of their own: in one they would come one by one.
      sessionId: randomUUID(),
      body: forged(randomBytes(8).toString('hex'), timeOf(model.body), 32),
    }))
    return { attacked: await Promise.all(flood.map(put)) }
  },
  isBroken: ({ keyStoreCalls, seconds }) => keyStoreCalls > boundOf(seconds),
  remark: ({ keyStoreCalls, seconds }) =>
    `In ${seconds.toFixed(0)} s the key store was asked ${keyStoreCalls} times because of these ids (at most ${boundOf(seconds)}).`,
}

const boundOf = (seconds: number): number => Math.ceil(seconds / LIST_EVERY_S) + 1
