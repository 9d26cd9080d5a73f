import type { Logger } from '@queue-runtime/core'

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error']

/** Returns a logger that writes one line of JSON each, from `least` on. */
export function createJsonLogger(
  write: (line: string) => void,
  { service, least, now }: { readonly service: string; readonly least: string; readonly now: () => number },
): Logger {
  const from = LEVELS.indexOf(least)
  const log = (level: keyof Logger) => (fields: Record<string, unknown>, msg: string) => {
    if (LEVELS.indexOf(level) < from) return
    write(JSON.stringify({ level, time: new Date(now()).toISOString(), service, msg, ...fields }))
  }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}
