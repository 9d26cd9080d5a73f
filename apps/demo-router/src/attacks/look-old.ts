import type { Attack } from './attack.ts'
import { retimed, timeOf } from './envelope-bytes.ts'
import { TOO_LONG_MS } from './hold-back.ts'

/** protocol.md 9, attack 15. Whoever writes to a queue can always destroy a message; this one is kept among the dead letters. */
export const lookOld: Attack = {
  name: 'look-old',
  number: 15,
  title: 'Make a message look old',
  description: 'writes an older time into a message, so that it seems to have expired',
  async tamper({ loot: [victim], edit }) {
    return { attacked: [await edit(victim, { body: retimed(victim.body, timeOf(victim.body) - TOO_LONG_MS) })] }
  },
}
