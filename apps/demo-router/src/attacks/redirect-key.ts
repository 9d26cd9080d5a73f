import type { Attack } from './attack.ts'
import { keyIdOf, withKeyId } from './envelope-bytes.ts'

/** protocol.md 9, attack 32. Both keys are good, and the bot has both: only one of them made the tag. */
export const redirectKey: Attack = {
  name: 'redirect-key',
  number: 32,
  title: 'Name another valid key',
  description: 'replaces the key id by that of another key of the same queue',
  needsTwoKeys: true,
  async tamper({ loot, edit }) {
    const [victim] = loot
    const other = loot.map(({ body }) => keyIdOf(body)).find((id) => id !== keyIdOf(victim.body)) ?? 'none'
    return { attacked: [await edit(victim, { body: withKeyId(victim.body, other) })] }
  },
}
