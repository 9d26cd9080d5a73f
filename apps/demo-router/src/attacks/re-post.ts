import { randomUUID } from 'node:crypto'
import type { Attack } from './attack.ts'

/** protocol.md 9, attack 9: a copy that no deduplication knows. The original stays as it is, and must arrive. */
export const rePost: Attack = {
  name: 're-post',
  number: 9,
  title: 'Re-post under a new id',
  description: 're-posts a message under another message id',
  tamper: async ({ loot: [victim], put }) => ({ attacked: [await put({ ...victim, messageId: randomUUID() })] }),
}
