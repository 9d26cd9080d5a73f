import type { QueueClient, QueueSender } from '@queue-runtime/core'

/** The router's client of one queue, which can be replaced while messages are sent. */
export interface ReplaceableSender extends Pick<QueueSender, 'send'> {
  readonly client: QueueClient
  /** New messages take the new way at once; resolves when those under way have taken the old one. */
  replace(next: QueueClient): Promise<void>
  close(): Promise<void>
}

export function replaceableSender(first: QueueClient): ReplaceableSender {
  let client = first
  return {
    get client() {
      return client
    },
    send: (message, options) => client.send(message, options),
    async replace(next) {
      const old = client
      client = next
      await old.close()
    },
    close: () => client.close(),
  }
}
