import type { Attack } from './attack.ts'

/** protocol.md 9, attack 44. Each message is what it was; that one is missing, and that two changed places, nobody can tell. */
export const reorder: Attack = {
  name: 'reorder',
  number: 44,
  title: 'Reorder and omit',
  description: 'takes a message away for good, and puts another one behind the rest of the queue',
  limit: 'A broker can reorder and omit: number the messages in their bodies where that matters.',
  async tamper({ loot: [omitted, moved], take, put }) {
    await take(omitted)
    await take(moved)
    return { attacked: [await put(moved)] }
  },
  remark: () => 'Nobody noticed that a message before it is missing.',
}
