import type { Queue } from './queue.ts'
import { type RawMessage, type StoredMessage, snapshot } from './stored-message.ts'

/** What somebody with full access to the broker sees and does: an operator, or an attacker. No check stands in the way. */
export interface BrokerQueue {
  /** Copies of all that is stored, in queue order: active, locked and scheduled. */
  messages(): StoredMessage[]
  /** Copies of the dead letters, in the order they became such; `deadLettered` says why. */
  deadLetters(): StoredMessage[]
  /** Stores a copy of `message` as it is, of any size, in a full queue too; returns its brokerMessageId. */
  put(message: RawMessage): string
  /**
   * Edits a stored message or dead letter where it stands; a field set to undefined is removed. What was already delivered
   * stays as it was. Returns false where there is no such message.
   */
  replace(brokerMessageId: string, change: Partial<RawMessage>): boolean
  /** Removes a message or dead letter, locked or not. Returns false where there is none. */
  remove(brokerMessageId: string): boolean
}

export function createBrokerQueue({ change, put }: Queue): BrokerQueue {
  return {
    messages: () => change(({ messages }, now) => Array.from(messages.entries(), (entry) => snapshot(entry, now))),
    deadLetters: () =>
      change(({ deadLetters }, now) => Array.from(deadLetters.entries(), (entry) => snapshot(entry, now))),
    put,
    replace: (brokerMessageId, edit) =>
      change((storage, now) => {
        const entry = storage.find(brokerMessageId)
        if (entry !== undefined) storage.replace(entry, edit, now)
        return entry !== undefined
      }),
    remove: (brokerMessageId) =>
      change((storage) => {
        const entry = storage.find(brokerMessageId)
        if (entry !== undefined) storage.discard(entry)
        return entry !== undefined
      }),
  }
}
