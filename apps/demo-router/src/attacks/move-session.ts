import { randomInt } from 'node:crypto'
import type { Attack } from './attack.ts'

const MAX_NUMBER = 1_000_000_000

/** protocol.md 9, attack 10: out of the order of one pull request, and into that of another. */
export const moveSession: Attack = {
  name: 'move-session',
  number: 10,
  title: 'Move to another session',
  description: 'moves a message into the session of another pull request',
  async tamper({ loot: [victim], edit }) {
    return {
      attacked: [await edit(victim, { sessionId: `codertocat/hello-world/pull_request/${randomInt(1, MAX_NUMBER)}` })],
    }
  },
}
