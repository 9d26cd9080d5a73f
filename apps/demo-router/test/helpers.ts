import type { Logger } from '@queue-runtime/core'

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: Record<string, unknown>
  readonly text: string
}

/** A logger that keeps its warnings and errors. */
export const recordingLogger = (): { readonly logger: Logger; readonly lines: LogLine[] } => {
  const lines: LogLine[] = []
  const keep = (level: keyof Logger) => (fields: Record<string, unknown>, text: string) => {
    lines.push({ level, fields, text })
  }
  const drop = (): void => {}
  return { lines, logger: { debug: drop, info: drop, warn: keep('warn'), error: keep('error') } }
}
