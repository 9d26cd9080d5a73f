import assert from 'node:assert/strict'
import type { QueueReceiver, ReceivedMessage } from '@queue-runtime/core'
import type { ClientBench } from './bench.ts'

/** The next message, which must be there. */
export async function next({ time }: ClientBench, receiver: QueueReceiver): Promise<ReceivedMessage> {
  const message = await receiver.receive({ waitMs: 10 * time.lookMs })
  assert.ok(message, 'a message should be there')
  return message
}

/** Asserts that nothing is handed out. */
export async function nothing({ time }: ClientBench, receiver: QueueReceiver): Promise<void> {
  const message = await receiver.receive({ waitMs: time.lookMs })
  assert.equal(message, null, 'no message should be there')
}

/** Lets a lock that was just taken end. */
export const outlast = ({ time }: ClientBench, lockMs: number): Promise<void> => time.advance(lockMs + time.lookMs + 1)

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
