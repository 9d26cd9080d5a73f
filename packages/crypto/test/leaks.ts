/** So many bytes in a row count as a leak: enough not to occur by chance, few enough to find what was cut or wrapped. */
const WINDOW = 8

const windowsOf = <T extends { length: number; slice(start: number, end: number): T }>(whole: T, size: number): T[] =>
  Array.from({ length: Math.max(0, whole.length - size + 1) }, (_, at) => whole.slice(at, at + size))

const escaped = (bytes: Uint8Array, prefix: string): string =>
  Array.from(bytes, (byte) => prefix + byte.toString(16).padStart(2, '0')).join('')

const toForms = (bytes: Uint8Array): string[] => {
  const buffer = Buffer.from(bytes)
  return [
    buffer.toString('latin1'),
    JSON.stringify(buffer.toString('latin1')).slice(1, -1),
    buffer.toString('hex'),
    bytes.join(','),
    ...['\\x', '\\u00', '%'].map((prefix) => escaped(bytes, prefix)),
  ]
}

/** Base64 says the same bytes in three ways, as they stand at a multiple of three or after; the ends mix with their neighbours. */
const toBase64Forms = (secret: Uint8Array): string[] =>
  [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64')
    const own = text.slice(shift === 0 ? 0 : shift + 1, -4)
    return windowsOf(own, 11).flatMap((base64) => [base64, base64.replaceAll('+', '-').replaceAll('/', '_')])
  })

/** The text as it is, and without what printers put between bytes: white space and the indices of `{"0":1,"1":2}`. */
const readings = (text: string): string[] => {
  const lower = text.toLowerCase()
  const squeezed = lower.replace(/\s+/g, '')
  return [text, text.replace(/\s+/g, ''), lower, squeezed, squeezed.replace(/['"]?\d+['"]?:/g, '')]
}

/**
 * Returns the forms in which any eight bytes in a row of the secret stand in the text: raw, UTF-8, hex, decimal, base64, base64url or
 * escaped.
 */
export const createLeakFinder = (secret: Uint8Array): ((text: string) => string[]) => {
  const whole = Buffer.from(secret).toString('utf8')
  const forms = new Set([whole, ...windowsOf(secret, WINDOW).flatMap(toForms), ...toBase64Forms(secret)])
  return (text) => {
    const all = readings(text)
    return [...forms].filter((form) => all.some((reading) => reading.includes(form)))
  }
}
