import type { Logger } from '@queue-runtime/core'

/** Prints what nobody expected, and counts the rest. */
export interface DemoLogger extends Logger {
  /** Lines about expected refusals that were not printed. */
  readonly expected: number
}

const quiet = (): void => {}

/**
 * Returns a logger of warnings and errors. A line about a message that an attack touched is what the attack is meant to
 * bring about: it is counted. Everything else is written, one line each; none holds a body or a key.
 */
export function createDemoLogger(
  write: (line: string) => void,
  isExpected: (fields: Record<string, unknown>) => boolean,
): DemoLogger {
  let expected = 0
  const log = (level: string) => (fields: Record<string, unknown>, text: string) => {
    if (isExpected(fields)) expected += 1
    else write(`${level} ${text} ${JSON.stringify(fields)}`)
  }
  return {
    debug: quiet,
    info: quiet,
    warn: log('warn:'),
    error: log('error:'),
    get expected() {
      return expected
    },
  }
}
