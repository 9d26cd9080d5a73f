import { sign } from '@octokit/webhooks-methods'
import type { Delivery } from './deliveries.ts'

const TIMEOUT_MS = 10_000

/** What GitHub does: signs a delivery and posts it. Resolves with the status of the answer. */
export type Post = (delivery: Delivery, deliveryId: string) => Promise<number>

/** Returns a sender of signed deliveries. The connections are kept alive, as `fetch` of Node does. */
export function createPost(url: string, secret: string, signal: AbortSignal): Post {
  return async ({ event, body }, deliveryId) => {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'GitHub-Hookshot/demo',
        'x-github-event': event,
        'x-github-delivery': deliveryId,
        'x-hub-signature-256': await sign(secret, body),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    // Read to the end, or the connection is not used again.
    await response.arrayBuffer()
    return response.status
  }
}
