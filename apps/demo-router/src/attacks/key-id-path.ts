import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'
import { withKeyId } from './envelope-bytes.ts'

const IDS = ['../other-secret', 'key-a/../key-b', 'key-a\n', 'key-a\0'] as const

/** protocol.md 9, attack 31. */
export const keyIdPath: Attack = {
  name: 'key-id-path',
  number: 31,
  title: 'A key id that is a path',
  description: 'names a path, a line break and a NUL byte as key ids, to reach another secret of the store',
  async tamper({ loot: [model], put }) {
    const copies = IDS.map((id) => ({
      ...{ ...model, messageId: randomUUID(), sessionId: randomUUID() },
      body: withKeyId(model.body, id),
    }))
    return { attacked: await Promise.all(copies.map(put)) }
  },
}
