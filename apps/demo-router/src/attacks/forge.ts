import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'
import { forged, keyIdOf, timeOf } from './envelope-bytes.ts'

/** protocol.md 9, attack 7. The key id is no secret, and the form is public: what is missing is the key. */
export const forge: Attack = {
  name: 'forge',
  number: 7,
  title: 'Forge a message',
  description: 'makes a message of its own, in perfect form and under the right key id',
  async tamper({ loot: [model], put }) {
    const body = forged(keyIdOf(model.body), timeOf(model.body))
    return { attacked: [await put({ ...model, messageId: randomUUID(), body })] }
  },
}
