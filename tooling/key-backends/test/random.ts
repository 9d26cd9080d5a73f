/** A sequence that a seed of 32 bits repeats; for tests, never for keys. */
export interface Random {
  /** A whole number from 0 to `end` - 1. */
  below(end: number): number
}

/** Xorshift, of 32 bits. */
export function createRandom(seed: number): Random {
  let state = (seed >>> 0 || 1) >>> 0
  return {
    below(end) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) % end
    },
  }
}
