import type { Attack } from './attack.ts'

/** protocol.md 9, attack 34. The other bot does not have the key: it waits for one, in case of a rotation, and then gives up. */
export const moveQueue: Attack = {
  name: 'move-queue',
  number: 34,
  title: 'Move to another queue',
  description: 'moves a message to the queue of another bot',
  async tamper({ loot: [victim], take, putElsewhere }) {
    await take(victim)
    return { attacked: [await putElsewhere(victim)] }
  },
}
