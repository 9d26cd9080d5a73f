/** How often something is done in a test: in the long run, which sets TEST_SCALE, so many times more. */
export const scaled = (count: number): number => count * Number(process.env.TEST_SCALE ?? 1)

/** Milliseconds for a test whose runs are scaled. */
export const SCALED_TIMEOUT_MS: number = scaled(60_000)
