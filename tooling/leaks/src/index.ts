import { createFinder } from './finder.ts'
import { knownListener } from './listener.ts'
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

/**
 * Says of a text that a local key store received or answered it: there keys belong, and a client must write them into JSON. Call
 * it as soon as the text is there.
 */
export function keptByStore(text: string): void {
  knownListener()?.watch.forget(text)
}
