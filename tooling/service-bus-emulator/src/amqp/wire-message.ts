import type { Entry, Lock, Properties } from '../store/entry.ts'
import { decodeMessage, readTyped, type Typed, types, writeTyped } from './rhea.ts'
import { SECTION, type Section, splitSections } from './sections.ts'

/** The annotation `x-opt-message-state`. */
const STATE = { active: 0, deferred: 1, scheduled: 2 } as const

type Pairs = readonly (readonly [key: string, value: Typed])[]

const described = (code: number, value: Typed): Buffer =>
  writeTyped(types.described(types.wrap_ulong(code), value) as Typed)

const header = (original: Section | undefined, deliveryCount: number): Buffer => {
  const { durable = false, priority = 4, ttl = null } = original === undefined ? {} : decodeMessage(original.bytes)
  const fields = [types.wrap(durable), types.wrap_ubyte(priority), ttl === null ? null : types.wrap_uint(Number(ttl))]
  return described(SECTION.header, types.wrap_list([...fields, types.wrap(false), types.wrap_uint(deliveryCount)]))
}

/** The pairs of a map section with the types they were written in. */
const pairsOf = (section: Section | undefined): [string, Typed][] => {
  if (section === undefined) return []
  const flat: unknown = readTyped(section.value).value
  const items = Array.isArray(flat) ? (flat as Typed[]) : []
  const pairs: [string, Typed][] = []
  for (let index = 0; index + 1 < items.length; index += 2) {
    const [key, value] = items.slice(index, index + 2)
    if (key !== undefined && value !== undefined) pairs.push([String(key.value), value])
  }
  return pairs
}

const mapSection = (
  code: number,
  original: Section | undefined,
  added: Pairs,
  keyOf: (key: string) => Typed,
): Buffer => {
  const pairs = new Map<string, Typed>([...pairsOf(original), ...added])
  const flat = [...pairs].flatMap(([key, value]) => [keyOf(key), value])
  return described(code, Object.assign(types.wrap_map({}), { value: flat }))
}

const annotations = ({ sequenceNumber, enqueuedAt, state }: Entry, lock: Lock | undefined): Pairs => [
  ['x-opt-sequence-number', types.wrap_long(sequenceNumber)],
  ['x-opt-enqueue-sequence-number', types.wrap_long(sequenceNumber)],
  ['x-opt-enqueued-time', types.wrap_timestamp(enqueuedAt)],
  ['x-opt-message-state', types.wrap_int(STATE[state])],
  ...(lock === undefined
    ? []
    : [['x-opt-locked-until', types.wrap_timestamp(lock.hold?.until ?? lock.until)] as const]),
]

const wrapped = (properties: Properties): Pairs =>
  Object.entries(properties).map(([key, value]) => [key, types.wrap(value)] as const)

/** Kept as they came. The header, annotations and application properties are written anew; the delivery's own are dropped. */
const isKept = ({ code }: Section): boolean =>
  code >= SECTION.properties && code !== SECTION.applicationProperties && code !== SECTION.deliveryAnnotations

/** A message as a receiver gets it: the sender's bytes, and what the broker knows of it. */
export function wireMessage(entry: Entry, lock: Lock | undefined): Buffer {
  const sections = splitSections(entry.content.payload)
  const find = (wanted: number): Section | undefined => sections.find(({ code }) => code === wanted)
  const own = find(SECTION.applicationProperties)
  const isAmended = Object.keys(entry.properties).length > 0
  const applicationProperties = isAmended
    ? [mapSection(SECTION.applicationProperties, own, wrapped(entry.properties), types.wrap_string)]
    : own === undefined
      ? []
      : [own.bytes]
  const kept = sections.filter(isKept)
  return Buffer.concat([
    header(find(SECTION.header), entry.deliveryCount),
    mapSection(
      SECTION.messageAnnotations,
      find(SECTION.messageAnnotations),
      annotations(entry, lock),
      types.wrap_symbol,
    ),
    ...kept.filter(({ code }) => code === SECTION.properties).map(({ bytes }) => bytes),
    ...applicationProperties,
    ...kept.filter(({ code }) => code !== SECTION.properties).map(({ bytes }) => bytes),
  ])
}
