/** How many runs a property gets: in the long run, which sets TEST_SCALE, so many times more. */
export const scaled = (runs: number): number => runs * Number(process.env.TEST_SCALE ?? 1)

/** Milliseconds for a test whose runs are scaled. */
export const SCALED_TIMEOUT_MS: number = scaled(30_000)
