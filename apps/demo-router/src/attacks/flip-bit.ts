import type { Attack } from './attack.ts'

/** protocol.md 9, attack 2. */
export const flipBit: Attack = {
  name: 'flip-bit',
  number: 2,
  title: 'Flip a bit',
  description: 'flips one bit of a sealed body',
  async tamper({ loot: [victim], edit }) {
    const body = Uint8Array.from(victim.body)
    const middle = body.length >> 1
    body[middle] = (body[middle] ?? 0) ^ 1
    return { attacked: [await edit(victim, { body })] }
  },
}
