import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'

/** protocol.md 9, attack 13: an answer would go to somebody else. */
export const changeCorrelation: Attack = {
  name: 'change-correlation',
  number: 13,
  title: 'Change the correlation id',
  description: 'gives a message another correlation id, to steal the answer',
  async tamper({ loot: [victim], edit }) {
    return { attacked: [await edit(victim, { correlationId: randomUUID() })] }
  },
}
