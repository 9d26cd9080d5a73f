import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tarball.ts'

/** The first program of the root README, and what the text below it says that it prints. */
export function readmeExample(): { program: string; prints: string } {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const [, program, rest] = /^```js\n(.*?)^```\n(.*)/ms.exec(text) ?? []
  const prints = /It prints `([^`]+)`/.exec(rest ?? '')?.[1]
  if (program === undefined || prints === undefined) {
    throw new Error('README.md must hold a ```js block, and below it the words: It prints `…`.')
  }
  return { program, prints }
}
