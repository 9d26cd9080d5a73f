import type { Attack } from './attack.ts'
import { AT, edited } from './envelope-bytes.ts'

/** protocol.md 9, attack 28. It may be a version that is only being rolled out: that is waited for, and then given up. */
export const otherVersion: Attack = {
  name: 'other-version',
  number: 28,
  title: 'Claim another version',
  description: 'writes version 2 into a sealed body',
  async tamper({ loot: [victim], edit }) {
    return { attacked: [await edit(victim, { body: edited(victim.body, (bytes) => bytes.writeUInt8(2, AT.version)) })] }
  },
}
