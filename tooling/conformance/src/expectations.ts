import assert from 'node:assert/strict'
import { type ErrorCode, isQueueError, type QueueClient, type ReceivedMessage } from '@queue-runtime/core'

/** Long enough for a message that is there, short enough to find out that there is none. */
const LOOK = { waitMs: 250 } as const

/** The next message, which must be there. */
export async function next(client: QueueClient): Promise<ReceivedMessage> {
  const message = await client.receive(LOOK)
  assert.ok(message, 'a message should be there')
  return message
}

/** Asserts that the queue hands nothing out. */
export async function nothing(client: QueueClient): Promise<void> {
  const message = await client.receive({ waitMs: 0 })
  assert.equal(message, null, 'no message should be there')
}

/** Asserts that the call rejects with this code. */
export async function rejects(call: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isQueueError(error), `expected a QueueError ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}
