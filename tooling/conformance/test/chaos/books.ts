import type { OutgoingMessage, ReceivedMessage } from '@queue-runtime/core'
import type { Scene } from './scene.ts'

/** What is known of the messages: sent by whom, handled, in which order. */
export function createBooks({ envelopes, confirmed, queue }: Scene) {
  const sent = new Map<string, OutgoingMessage>()
  const handled = new Set<string>()
  const done = new Set<string>()
  const handledAfterConfirm: string[] = []
  const overtaken: string[] = []
  const inSession = new Map<string, string[]>()
  let handlings = 0
  return {
    sent,
    handled,
    done,
    handledAfterConfirm,
    overtaken,
    get handlings() {
      return handlings
    },
    send(message: OutgoingMessage & { messageId: string }) {
      sent.set(message.messageId, message)
      if (message.sessionId === undefined) return
      const ids = inSession.get(message.sessionId) ?? []
      inSession.set(message.sessionId, ids)
      ids.push(message.messageId)
    },
    begin({ messageId, brokerMessageId, sessionId }: ReceivedMessage) {
      handlings += 1
      if (confirmed.has(envelopes.get(brokerMessageId) ?? '')) handledAfterConfirm.push(messageId)
      if (sessionId === undefined) return
      const ids = inSession.get(sessionId) ?? []
      const before = ids.slice(0, ids.indexOf(messageId))
      const undone = before.filter((id) => !done.has(id))
      if (undone.length === 0) return
      const letters = new Set(queue.deadLetters().map((letter) => letter.messageId))
      if (undone.some((id) => !letters.has(id))) overtaken.push(messageId)
    },
    finish(messageId: string) {
      handled.add(messageId)
      done.add(messageId)
    },
  }
}

export type Books = ReturnType<typeof createBooks>
