/** Short enough to find a word, long enough that random bytes do not match by chance (once in 2^64 a pair). */
const WINDOW = 8

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** At how many offsets of `secret` eight bytes in a row stand somewhere in `shown`, too. */
export function windowsShared(secret: Uint8Array, shown: Uint8Array): number {
  const [needle, haystack] = [latin1(secret), latin1(shown)]
  let found = 0
  for (let at = 0; at + WINDOW <= needle.length; at += 1) {
    if (haystack.includes(needle.slice(at, at + WINDOW))) found += 1
  }
  return found
}
