import assert from 'node:assert/strict'
import { type ErrorCode, isQueueError, type QueueError } from '@queue-runtime/core'

/** Asserts that the call rejects with one of these codes; resolves with the error. */
export async function rejects(call: () => Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<QueueError> {
  const thrown: unknown = await call().then(
    () => assert.fail(`the call should have been rejected with ${codes.join(' or ')}`),
    (error: unknown) => error,
  )
  return ofCode(thrown, ...codes)
}

/** Returns what was thrown, which must be one of our errors with one of these codes. */
export function ofCode(thrown: unknown, ...codes: readonly ErrorCode[]): QueueError {
  assert.ok(isQueueError(thrown), `expected a QueueError ${codes.join(' or ')}, got ${String(thrown)}`)
  assert.ok(codes.includes(thrown.code), `expected ${codes.join(' or ')}, got ${thrown.code}: ${thrown.message}`)
  return thrown
}
