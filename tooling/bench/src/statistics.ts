/** The middle of some measurements, and between what eight of ten of them lie. */
export interface Spread {
  readonly p10: number
  readonly median: number
  readonly p90: number
}

const quantile = (ascending: readonly number[], share: number): number => {
  const at = (ascending.length - 1) * share
  const below = ascending[Math.floor(at)] ?? Number.NaN
  const above = ascending[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at % 1)
}

export function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other)
  return { p10: quantile(ascending, 0.1), median: quantile(ascending, 0.5), p90: quantile(ascending, 0.9) }
}

/** Returns the spread of the ratios within each round: what slowed a whole round down cancels out. */
export const ratioOf = (values: readonly number[], base: readonly number[]): Spread =>
  spreadOf(values.map((value, round) => value / (base[round] ?? Number.NaN)))
