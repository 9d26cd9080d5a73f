import type { Attack } from './attack.ts'
import { retimed, timeOf } from './envelope-bytes.ts'
import { TOO_LONG_MS } from './hold-back.ts'

/** protocol.md 9, attack 14: what attack 16 does, and then the time in the envelope is moved as well. */
export const lookFresh: Attack = {
  name: 'look-fresh',
  number: 14,
  title: 'Make an old message look fresh',
  description: 'keeps a message back until it is too old, and writes a newer time into it',
  async tamper({ loot: [victim], take, put, wait }) {
    await take(victim)
    return {
      attacked: [],
      async later() {
        await wait(TOO_LONG_MS)
        return [await put({ ...victim, body: retimed(victim.body, timeOf(victim.body) + TOO_LONG_MS) })]
      },
    }
  },
}
