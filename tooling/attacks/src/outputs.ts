import { inspect } from 'node:util'
import type { Logger } from '@queue-runtime/core'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Returns a logger and the lines that it was given. */
export function recordedLines(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const write =
    (level: LogLine['level']) =>
    (fields: Record<string, unknown>, text: string): void =>
      void lines.push({ level, text, fields })
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  return { logger, lines }
}

/** Everything that printing a value may show: as text, as JSON, and as the console prints it with all that it can find. */
export function shownOf(value: unknown): string {
  const isError = value instanceof Error
  return [
    String(value),
    JSON.stringify(value),
    inspect(value),
    // As console.dir asks: not for what an object says of itself, but for what it has.
    inspect(value, { depth: null, customInspect: false, maxArrayLength: null, maxStringLength: null }),
    inspect(value, { depth: null, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null }),
    isError ? `${value.stack}` : '',
  ].join('\n')
}
