import type { Attack } from './attack.ts'

/** Just beyond `maxMessageAgeMs`, whose default is 5 minutes. */
const TOO_LONG_MS = 5 * 60_000 + 1_000

/** protocol.md 9, attack 16. Nothing of the message changes but its age. */
export const holdBack: Attack = {
  name: 'hold-back',
  description: 'keeps a message back until it is too old',
  tamper({ loot: [victim], take, put, wait }) {
    take(victim)
    return {
      attacked: [],
      later() {
        wait(TOO_LONG_MS)
        return [put(victim)]
      },
    }
  },
}
