import type { Attack } from './attack.ts'

/** protocol.md 9, attack 8. Both bodies are genuine; each lies under the other's message id. */
export const swapBodies: Attack = {
  name: 'swap-bodies',
  description: 'swaps the bodies of two messages',
  tamper: ({ loot: [one, other], edit }) => ({
    attacked: [edit(one, { body: other.body }), edit(other, { body: one.body })],
  }),
}
