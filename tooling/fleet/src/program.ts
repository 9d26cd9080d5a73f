/** Says to the one who started this process that it is ready, in one line of JSON. */
export function sayReady(facts: object = {}): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

/** Resolves when this process is told to finish (SIGTERM); ends it at once when the one who started it is gone, after `tidyUp`. */
export function toldToFinish(tidyUp: () => void = () => {}): Promise<void> {
  const end = (): never => {
    tidyUp()
    process.exit(1)
  }
  process.stdin.on('end', end).resume()
  return new Promise((resolve) => process.once('SIGTERM', () => resolve()))
}
