import { QueueError } from '../base/errors.ts'
import { isEncrypted } from '../base/marker.ts'
import type { MessageProtection } from './protection.ts'

/**
 * What stands in for a missing `crypto`: bodies pass as they are. A sealed body is not handed over as if it were plaintext:
 * it is held, since whoever forgot the keys can still configure them.
 */
export const noProtection: MessageProtection = {
  open: ({ queue }) => ({
    protect: async ({ body, attributes }) => ({ body, attributes: attributes ?? {}, seal: null }),
    unprotect: async (messages) =>
      messages.map(({ body, malformed, messageId }) => {
        if (malformed !== undefined) {
          return {
            error: new QueueError('InvalidEnvelope', `The message could not be decoded: ${malformed}.`, {
              facts: { reason: malformed },
              queue,
              messageId,
            }),
            disposition: { action: 'dead-letter', reason: 'qr.rejected' },
          }
        }
        if (!isEncrypted(body)) return { body, seal: null, claim: null }
        return {
          error: new QueueError(
            'KeyProviderMissing',
            'The message is sealed and the client has no crypto: give createQueueClient one.',
            {
              queue,
              messageId,
            },
          ),
          disposition: { action: 'hold' },
        }
      }),
  }),
}
