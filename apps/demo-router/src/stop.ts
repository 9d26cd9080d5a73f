/** A Ctrl-C comes from the terminal and once more from each runner around us; a later one is meant anew. */
const ONE_SIGNAL_MS = 1_000

/** Resolves at the first SIGINT or SIGTERM. Another one a while later ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (): void => {
      firstAt ??= performance.now()
      if (performance.now() - firstAt > ONE_SIGNAL_MS) process.exit(130)
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  })
}
