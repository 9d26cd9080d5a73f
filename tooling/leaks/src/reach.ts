import { inspect } from 'node:util'
import { plain } from './plain.ts'

/** Enough for all that is logged and thrown; what is larger or deeper is not looked at to its end. */
const MAX_PARTS = 20_000
const MAX_DEPTH = 8

const isByte = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256

/** Bytes as Latin-1. A list of numbers stays one: it is read as such. */
const bytesOf = (value: object): string | undefined => {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('latin1')
  return Array.isArray(value) && value.length > 0 && value.every(isByte) ? value.join() : undefined
}

/** What an object says of itself when it is printed; what a Date says is no secret. */
const sayingsOf = (value: object): unknown[] => {
  const { toJSON, [inspect.custom]: custom } = value as Record<string | symbol, unknown>
  return [
    typeof toJSON === 'function' && !(value instanceof Date) ? toJSON.call(value, '') : undefined,
    typeof custom === 'function' ? custom.call(value, 2, {}, plain.inspect) : undefined,
  ]
}

/** Calls `tell` with every text that printing or logging a value can show. */
export function eachText(value: unknown, tell: (text: string) => void): void {
  const seen = new Set<object>()
  let parts = 0

  const visitParts = (whole: object, depth: number): void => {
    if (whole instanceof Map || whole instanceof Set) for (const part of whole) visit(part, depth)
    for (const name of Reflect.ownKeys(whole)) {
      if (typeof name === 'string') visit(name, depth)
      // Getters are left alone: to ask them may change what a test sees. The stack of an error has one, and takes long to make.
      visit(Reflect.getOwnPropertyDescriptor(whole, name)?.value, depth)
    }
    for (const saying of sayingsOf(whole)) visit(saying, depth)
  }

  const visitObject = (whole: object, depth: number): void => {
    if (depth > MAX_DEPTH || seen.has(whole)) return
    seen.add(whole)
    try {
      const bytes = bytesOf(whole)
      if (bytes === undefined) visitParts(whole, depth + 1)
      else tell(bytes)
    } catch {
      // Anything can be logged and thrown, what throws at every look included.
    }
  }

  const visit = (part: unknown, depth: number): void => {
    parts += 1
    if (parts > MAX_PARTS) return
    if (typeof part === 'string') tell(part)
    else if (typeof part === 'object' && part !== null) visitObject(part, depth)
  }

  visit(value, 0)
}
