/** Shaped as pino and as fastify.log: fields first, then the text. */
export type Logger = Record<
  'debug' | 'info' | 'warn' | 'error',
  (fields: Record<string, unknown>, text: string) => void
>

const silent = (): void => {}

/** What is used when no logger is given: warnings and errors on the console. */
const consoleLogger: Logger = {
  debug: silent,
  info: silent,
  warn: (fields, text) => console.warn(text, fields),
  error: (fields, text) => console.error(text, fields),
}

/** What is used for `logger: false`. */
const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** A line that cannot be written must not decide what becomes of a message. */
const unfailing = (logger: Logger): Logger => {
  const attempt =
    (level: keyof Logger): Logger['info'] =>
    (fields, text) => {
      try {
        logger[level](fields, text)
      } catch {
        // There is nobody else to tell.
      }
    }
  return { debug: attempt('debug'), info: attempt('info'), warn: attempt('warn'), error: attempt('error') }
}

/**
 * Returns what an option `logger` means: warnings and errors on the console, silence for `false`. What comes back never throws.
 *
 * @example
 * resolveLogger(options.logger).warn({ queue_name: 'orders' }, 'The connection was lost')
 */
export const resolveLogger = (given: Logger | false | undefined): Logger =>
  given === false ? silentLogger : unfailing(given ?? consoleLogger)
