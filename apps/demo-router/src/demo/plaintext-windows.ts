/** Eight bytes: short enough to find a name, long enough that random bytes do not match by chance (once in 2^64 a pair). */
const WINDOW = 8

const windowsOf = function* (bytes: Uint8Array): Generator<string, void, undefined> {
  // One character per byte, so that a window is a slice.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  for (let at = 0; at + WINDOW <= text.length; at += 1) yield text.slice(at, at + WINDOW)
}

/**
 * Returns a counter that tells at how many offsets of some bytes eight bytes in a row also stand somewhere in one of the
 * plaintexts.
 */
export function plaintextWindows(plaintexts: readonly Uint8Array[]): (stored: Uint8Array) => number {
  const known = new Set<string>()
  for (const plaintext of plaintexts) for (const window of windowsOf(plaintext)) known.add(window)
  return (stored) => {
    let found = 0
    for (const window of windowsOf(stored)) if (known.has(window)) found += 1
    return found
  }
}
