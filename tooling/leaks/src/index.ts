import { createFinder } from './finder.ts'
import type { Spelling } from './spellings.ts'

/**
 * Returns a function that names the spellings in which eight bytes in a row of the secret (nine in base64) stand in a text.
 *
 * @example
 * createLeakFinder(key)(inspect(error)) // [] or, say, ['hex']
 */
export function createLeakFinder(secret: Uint8Array): (text: string) => Spelling[] {
  const finder = createFinder()
  finder.add(secret)
  return (text) => finder.find(text).map(({ spelling }) => spelling)
}
