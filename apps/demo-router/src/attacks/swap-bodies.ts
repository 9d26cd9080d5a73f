import type { Attack } from './attack.ts'

/** protocol.md 9, attack 8. Both bodies are genuine; each lies under the other's message id. */
export const swapBodies: Attack = {
  name: 'swap-bodies',
  number: 8,
  title: 'Swap two bodies',
  description: 'swaps the bodies of two messages',
  tamper: async ({ loot: [one, other], edit }) => ({
    attacked: [await edit(one, { body: other.body }), await edit(other, { body: one.body })],
  }),
}
