import type { Attack } from './attack.ts'

/** protocol.md 9, attack 34. The other bot does not have the key: it waits for one, in case of a rotation, and then gives up. */
export const moveQueue: Attack = {
  name: 'move-queue',
  description: 'moves a message to the queue of another bot',
  tamper({ loot: [victim], take, putElsewhere }) {
    take(victim)
    return { attacked: [putElsewhere(victim)] }
  },
}
