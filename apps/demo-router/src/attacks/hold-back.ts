import type { Attack } from './attack.ts'

/** Just beyond `maxMessageAgeMs`, whose default is 5 minutes. */
export const TOO_LONG_MS: number = 5 * 60_000 + 1_000

/** protocol.md 9, attack 16. Nothing of the message changes but its age. */
export const holdBack: Attack = {
  name: 'hold-back',
  number: 16,
  title: 'Hold a message back',
  description: 'keeps a message back until it is too old',
  async tamper({ loot: [victim], take, put, wait }) {
    await take(victim)
    return {
      attacked: [],
      async later() {
        await wait(TOO_LONG_MS)
        return [await put(victim)]
      },
    }
  },
}
