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

/** The spellings in which bytes get into texts. White space is taken out first: dumps and lists differ in it. */
const spellingsOf = (bytes: Uint8Array): Record<string, string> => {
  const buffer = Buffer.from(bytes)
  return {
    raw: buffer.toString('latin1').replace(/\s/g, ''),
    hex: buffer.toString('hex'),
    base64: buffer.toString('base64').replace(/=+$/, ''),
    base64url: buffer.toString('base64url'),
    numbers: [...buffer].join(','),
  }
}

/** The spellings of `bytes` that stand in `shown`; upper case hex counts as hex. */
export function spellingsIn(shown: string, bytes: Uint8Array): string[] {
  const text = shown.replace(/\s/g, '')
  const lower = text.toLowerCase()
  return Object.entries(spellingsOf(bytes))
    .filter(([name, spelling]) => (name === 'hex' ? lower : text).includes(spelling))
    .map(([name]) => name)
}
