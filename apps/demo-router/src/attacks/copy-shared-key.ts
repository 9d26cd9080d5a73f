import type { Attack } from './attack.ts'

/** protocol.md 9, attack 34, under a shared key. */
export const copyWithSharedKey: Attack = {
  name: 'copy-shared-key',
  number: 34,
  title: 'Copy to a queue with the same key',
  description: 'copies a message to the queue of another bot that was given the same key',
  limit:
    'Queues that share a key, without an audience, take each other’s messages: give each its own key, or an audience.',
  receiver: 'shared-key',
  tamper: async ({ loot: [victim], putElsewhere }) => ({ attacked: [await putElsewhere(victim)] }),
}
