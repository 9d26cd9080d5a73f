import type { Attack } from './attack.ts'

/** protocol.md 9, attack 18. Nothing of the copy can be told from the original, but that its nonce was seen. */
export const replay: Attack = {
  name: 'replay',
  number: 18,
  title: 'Replay a handled message',
  description: 'copies a message, lets its bot handle it, and puts the copy into the queue',
  tamper: async ({ loot: [victim], put }) => ({
    attacked: [],
    later: async () => [await put(victim)],
  }),
}
