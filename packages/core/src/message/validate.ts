import { randomUUID } from 'node:crypto'
import { invalid } from '../base/check.ts'
import { QueueError } from '../base/errors.ts'
import type { UnprotectedMessage } from '../contracts/protection.ts'
import type { TransportFeatures } from '../contracts/transport.ts'
import { isAttributeName, isReservedAttribute } from './attributes.ts'
import type { OutgoingMessage } from './message.ts'

const utf8 = new TextEncoder()

/** Text rules of protocol.md 2 and requirements M5, M6, M12. */
const TEXT_RULES = {
  messageId: { pattern: /^[\x21-\x7e]*$/, min: 1, max: 128, charset: 'printable ASCII without space' },
  sessionId: { pattern: /^[\x20-\x7e]*$/, min: 1, max: 128, charset: 'printable ASCII' },
  correlationId: { pattern: /^/, min: 0, max: 256, charset: 'well-formed Unicode' },
  contentType: { pattern: /^[\x20-\x7e]*$/, min: 1, max: 256, charset: 'printable ASCII' },
} as const

const checkText = (field: keyof typeof TEXT_RULES, at: string, value: string | undefined): string | undefined => {
  if (value === undefined) return undefined
  const name = at + field
  const { pattern, min, max, charset } = TEXT_RULES[field]
  if (typeof value !== 'string') throw invalid(name, 'invalid-format', 'must be a string.')
  if (value.length < min || value.length > max) {
    throw invalid(name, 'out-of-range', `must have ${min} to ${max} characters.`)
  }
  if (!pattern.test(value) || !value.isWellFormed()) throw invalid(name, 'invalid-format', `must be ${charset}.`)
  return value
}

/** A Map, say, has no entries of its own to read: its content would silently be dropped. */
const isPlainObject = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const checkAttributes = (at: string, attributes: OutgoingMessage['attributes']): Readonly<Record<string, string>> => {
  const field = `${at}attributes`
  if (attributes === undefined) return {}
  if (!isPlainObject(attributes)) throw invalid(field, 'invalid-format', 'must be a plain object.')
  for (const [name, value] of Object.entries(attributes)) {
    if (!isAttributeName(name)) {
      throw invalid(field, 'invalid-format', 'takes names of 1 to 128 characters of A-Z, a-z, 0-9, _, . and -.')
    }
    if (isReservedAttribute(name)) throw invalid(`${field}.${name}`, 'invalid-format', 'is a reserved name.')
    if (typeof value !== 'string' || !value.isWellFormed()) {
      throw invalid(`${field}.${name}`, 'invalid-format', 'must be a string of well-formed Unicode.')
    }
  }
  return { ...attributes }
}

const toBytes = (at: string, message: OutgoingMessage): { body: Uint8Array; isJson: boolean } => {
  const { body, json } = message
  if (body !== undefined && json !== undefined) {
    throw invalid(`${at}body`, 'invalid-format', 'and json exclude each other.')
  }
  if (json !== undefined) return { body: utf8.encode(toJson(at, json)), isJson: true }
  if (body instanceof Uint8Array) return { body: checkBytes(at, body), isJson: false }
  if (body === undefined) throw invalid(`${at}body`, 'required', 'or json is required.')
  if (typeof body !== 'string') throw invalid(`${at}body`, 'invalid-format', 'must be a Uint8Array or a string.')
  if (!body.isWellFormed()) throw invalid(`${at}body`, 'invalid-format', 'must be well-formed Unicode.')
  return { body: utf8.encode(body), isJson: false }
}

/** The bytes of a detached buffer went elsewhere; it would be sent as empty. */
const checkBytes = (at: string, body: Uint8Array): Uint8Array => {
  const { buffer } = body
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw invalid(`${at}body`, 'invalid-format', 'has a detached ArrayBuffer.')
  }
  return body
}

const toJson = (at: string, json: unknown): string => {
  const text = ((): string | undefined => {
    try {
      return JSON.stringify(json)
    } catch {
      return undefined
    }
  })()
  if (text === undefined) throw invalid(`${at}json`, 'invalid-format', 'cannot be written as JSON.')
  return text
}

const NAMES: ReadonlySet<string> = new Set<keyof OutgoingMessage>([
  'body',
  'json',
  'messageId',
  'sessionId',
  'correlationId',
  'contentType',
  'attributes',
  'timeToLiveMs',
  'deliverAt',
])

/** A misspelt field would be sent without what its author meant to have bound. */
const checkNames = (at: string, message: OutgoingMessage): void => {
  const unknown = Object.keys(message).find((name) => !NAMES.has(name))
  if (unknown === undefined) return
  throw invalid(`${at}${unknown}`, 'invalid-format', `is unknown. Known are ${[...NAMES].join(', ')}.`)
}

const checkMoment = (at: string, deliverAt: Date | undefined): void => {
  if (deliverAt === undefined) return
  if (!(deliverAt instanceof Date) || Number.isNaN(deliverAt.getTime())) {
    throw invalid(`${at}deliverAt`, 'invalid-format', 'must be a valid Date.')
  }
}

const checkTimeToLive = (at: string, timeToLiveMs: number | undefined): void => {
  if (timeToLiveMs === undefined) return
  if (!Number.isSafeInteger(timeToLiveMs) || timeToLiveMs < 1) {
    throw invalid(`${at}timeToLiveMs`, 'out-of-range', 'must be a whole number, at least 1.')
  }
}

const checkFeatures = (at: string, message: OutgoingMessage, features: TransportFeatures): void => {
  const asked: readonly (readonly [feature: string, asked: boolean, offered: boolean])[] = [
    ['sessionId', message.sessionId !== undefined, features.sessionIds !== 'none'],
    ['timeToLiveMs', message.timeToLiveMs !== undefined, features.timeToLive],
    ['deliverAt', message.deliverAt !== undefined, features.deliverAt],
  ]
  for (const [feature, isAsked, isOffered] of asked) {
    if (isAsked && !isOffered)
      throw new QueueError('Unsupported', `${at}${feature} is not supported by this queue.`, { facts: { feature } })
  }
  if (features.sessionIds === 'required' && message.sessionId === undefined) {
    throw invalid(`${at}sessionId`, 'required', 'is required by this queue.')
  }
}

/**
 * Returns the message as protection takes it: every field checked, the id made where none is given, the body as bytes.
 * `at` is put before the field names in errors (`messages[2].`).
 *
 * @throws Validation naming the field and the rule · Unsupported naming what the queue cannot do
 */
export function validateMessage(message: OutgoingMessage, features: TransportFeatures, at = ''): UnprotectedMessage {
  if (typeof message !== 'object' || message === null) {
    throw invalid(at.replace(/\.$/, '') || 'message', 'required', 'must be an object.')
  }
  checkNames(at, message)
  const { body, isJson } = toBytes(at, message)
  const attributes = checkAttributes(at, message.attributes)
  checkMoment(at, message.deliverAt)
  checkTimeToLive(at, message.timeToLiveMs)
  const checked: UnprotectedMessage = {
    body,
    messageId: checkText('messageId', at, message.messageId) ?? randomUUID({ disableEntropyCache: true }),
    sessionId: checkText('sessionId', at, message.sessionId),
    correlationId: checkText('correlationId', at, message.correlationId) || undefined,
    contentType: checkText('contentType', at, message.contentType) ?? (isJson ? 'application/json' : undefined),
    attributes,
    timeToLiveMs: message.timeToLiveMs,
    deliverAt: message.deliverAt && new Date(message.deliverAt),
  }
  checkFeatures(at, message, features)
  return checked
}

/** @throws Validation with field `sessionId` */
export const checkSessionId = (sessionId: string): void => void checkText('sessionId', '', sessionId)
