import type { Attack } from './attack.ts'

/** protocol.md 9, attack 26. */
export const injectPlaintext: Attack = {
  name: 'inject-plaintext',
  number: 26,
  title: 'Inject plaintext',
  description: 'replaces a sealed body by plaintext',
  async tamper({ loot: [victim], edit }) {
    const body = Buffer.from('{"action":"closed","pull_request":{"number":1,"merged":true}}')
    return { attacked: [await edit(victim, { body })] }
  },
}
