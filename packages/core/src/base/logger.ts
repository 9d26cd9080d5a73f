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

/** What an option `logger` means. */
export const resolveLogger = (given: Logger | false | undefined): Logger =>
  given === false ? silentLogger : (given ?? consoleLogger)
