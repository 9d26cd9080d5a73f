import type { Attack } from './attack.ts'

/** protocol.md 9, attack 19. The two consumers share nothing but the nonce store. */
export const twoAtOnce: Attack = {
  name: 'two-at-once',
  number: 19,
  title: 'Two copies to two consumers at once',
  description: 'puts a copy beside a message, for two consumers to take at once',
  receiver: 'two-consumers',
  needsNoSession: true,
  async tamper({ loot, take, put }) {
    const victim = loot.find(({ sessionId }) => sessionId === undefined) ?? loot[0]
    await take(victim)
    return { attacked: [await put(victim), await put(victim)], isOneAllowed: true }
  },
}
