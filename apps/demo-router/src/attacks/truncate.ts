import type { Attack } from './attack.ts'

/** protocol.md 9, attack 3. */
export const truncate: Attack = {
  name: 'truncate',
  number: 3,
  title: 'Cut a body off',
  description: 'cuts the second half of a sealed body off',
  async tamper({ loot: [victim], edit }) {
    return { attacked: [await edit(victim, { body: victim.body.slice(0, victim.body.length >> 1) })] }
  },
}
