import type { Attack } from './attack.ts'

/** protocol.md 9, attack 26. */
export const injectPlaintext: Attack = {
  name: 'inject-plaintext',
  description: 'replaces a sealed body by plaintext',
  tamper: ({ loot: [victim], edit }) => ({
    attacked: [edit(victim, { body: Buffer.from('{"action":"closed","pull_request":{"number":1,"merged":true}}') })],
  }),
}
