import type { Attack } from './attack.ts'

/** protocol.md 9, attack 17: what a nonce store is for. */
export const replayUntracked: Attack = {
  name: 'replay-untracked',
  number: 17,
  title: 'Replay without a nonce store',
  description: 'copies a message, lets a bot without a nonce store handle it, and puts the copy into the queue',
  limit: 'Without a nonce store a copy is handled again while it is fresh (5 minutes by default).',
  receiver: 'untracked',
  tamper: async ({ loot: [victim], put }) => ({
    attacked: [],
    later: async () => [await put(victim)],
  }),
}
