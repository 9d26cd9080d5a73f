import type { Attack } from './attack.ts'

/** protocol.md 9, attack 19. The two consumers share nothing but the nonce store. */
export const twoAtOnce: Attack = {
  name: 'two-at-once',
  number: 19,
  title: 'Two copies to two consumers at once',
  description: 'puts a copy beside a message, for two consumers to take at once',
  receiver: 'two-consumers',
  async tamper({ loot: [victim, other], take, put }) {
    // Side by side in front of what else lies in the queue: two consumers get one each.
    await take(other)
    await take(victim)
    const copies = [await put(victim), await put(victim)]
    await put(other)
    return { attacked: copies, isOneAllowed: true }
  },
}
