/** A sequence that a seed of 32 bits repeats; for tests, never for keys. */
export interface Random {
  /** A whole number from 0 to `end` - 1. */
  below(end: number): number
  /** True in this share of cases. */
  chance(share: number): boolean
  pick<T>(items: readonly [T, ...T[]]): T
}

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(fraction() * end)
  return {
    below,
    chance: (share) => fraction() < share,
    pick: (items) => items[below(items.length)] ?? items[0],
  }
}
