import { inspect } from 'node:util'
import { plain } from './plain.ts'

/** Enough for all that is logged and thrown; what is larger or deeper is not looked at to its end. */
const MAX_PARTS = 20_000
const MAX_DEPTH = 8

/** One look at a value. */
interface Look {
  readonly first: object
  readonly tell: (text: string) => void
  /** The objects inside of the first one; most hold none. */
  seen: Set<object> | undefined
  parts: number
}

const isByte = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256

/** Bytes as Latin-1. A list of numbers stays one: it is read as such. */
const bytesOf = (whole: object): string | undefined => {
  if (ArrayBuffer.isView(whole)) return Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('latin1')
  if (whole instanceof ArrayBuffer) return Buffer.from(whole).toString('latin1')
  return Array.isArray(whole) && whole.length > 0 && whole.every(isByte) ? whole.join() : undefined
}

/** Most of what is logged: nothing in it is hidden, and every logger would ask its getters. */
const isPlain = (whole: object): whole is Record<string, unknown> =>
  Object.getPrototypeOf(whole) === Object.prototype && Object.getOwnPropertySymbols(whole).length === 0

function visitPlain(whole: Record<string, unknown>, depth: number, look: Look): void {
  for (const name in whole) {
    look.tell(name)
    visit(whole[name], depth, look)
    if (name === 'toJSON') visitSayings(whole, depth, look)
  }
}

/**
 * What an object holds, enumerable or not. Getters are left alone where not everybody asks them: that may change what a test sees,
 * and the stack of an error takes long to make.
 */
function visitHidden(whole: object, depth: number, look: Look): void {
  for (const name of Reflect.ownKeys(whole)) {
    if (typeof name === 'string') look.tell(name)
    visit(Reflect.getOwnPropertyDescriptor(whole, name)?.value, depth, look)
  }
}

/** What an object says of itself when it is printed; what a Date says is no secret. */
function visitSayings(whole: object, depth: number, look: Look): void {
  const { toJSON, [inspect.custom]: custom } = whole as Record<string | symbol, unknown>
  if (typeof toJSON === 'function' && !(whole instanceof Date)) visit(toJSON.call(whole, ''), depth, look)
  if (typeof custom === 'function') visit(custom.call(whole, 2, {}, plain.inspect), depth, look)
}

function visitParts(whole: object, depth: number, look: Look): void {
  if (isPlain(whole)) {
    visitPlain(whole, depth, look)
    return
  }
  const isList = Array.isArray(whole)
  if (isList || whole instanceof Map || whole instanceof Set) for (const part of whole) visit(part, depth, look)
  if (isList) return
  visitHidden(whole, depth, look)
  visitSayings(whole, depth, look)
}

function visit(part: unknown, depth: number, look: Look): void {
  look.parts += 1
  if (look.parts > MAX_PARTS) return
  if (typeof part === 'string') look.tell(part)
  else if (typeof part === 'object' && part !== null) visitObject(part, depth, look)
}

function visitObject(whole: object, depth: number, look: Look): void {
  if (depth > 0) {
    if (depth > MAX_DEPTH || whole === look.first || look.seen?.has(whole)) return
    look.seen ??= new Set()
    look.seen.add(whole)
  }
  try {
    const bytes = bytesOf(whole)
    if (bytes === undefined) visitParts(whole, depth + 1, look)
    else look.tell(bytes)
  } catch {
    // Anything can be logged and thrown, what throws at every look included.
  }
}

/** Calls `tell` with every text that printing or logging a value can show. */
export function eachText(value: unknown, tell: (text: string) => void): void {
  if (typeof value === 'string') tell(value)
  else if (typeof value === 'object' && value !== null)
    visitObject(value, 0, { first: value, tell, seen: undefined, parts: 0 })
}
