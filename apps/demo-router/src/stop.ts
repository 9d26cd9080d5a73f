import { setTimeout as delay } from 'node:timers/promises'

/** A Ctrl-C comes from the terminal and, soon after, once more from each runner around us. */
const ECHO_MS = 200
/** One that comes later than this is meant anew. */
const IMPATIENT_MS = 1_000

export interface Stop {
  /** Resolves at the first SIGINT or SIGTERM. Another one a while later ends the process at once. */
  readonly stopped: Promise<void>
  /** Waits for the echoes of a signal: one that comes while Node tears down would end the process by signal, not by exit code. */
  calm(): Promise<void>
}

/** Listens for SIGINT and SIGTERM from now on. */
export function listenForStop(): Stop {
  let firstAt: number | undefined
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  const onSignal = (): void => {
    firstAt ??= performance.now()
    if (performance.now() - firstAt > IMPATIENT_MS) process.exit(130)
    resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return {
    stopped,
    async calm() {
      if (firstAt !== undefined) await delay(Math.max(0, firstAt + ECHO_MS - performance.now()))
    },
  }
}
