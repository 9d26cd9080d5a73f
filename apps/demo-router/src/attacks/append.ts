import type { Attack } from './attack.ts'

/** protocol.md 9, attack 4. Two envelopes in a row are none: nothing reads on after the tag, and nothing reads the first alone. */
export const append: Attack = {
  name: 'append',
  number: 4,
  title: 'Join two bodies',
  description: 'appends one sealed body to another',
  async tamper({ loot: [victim, other], edit }) {
    const body = Uint8Array.from(Buffer.concat([victim.body, other.body]))
    return { attacked: [await edit(victim, { body })] }
  },
}
