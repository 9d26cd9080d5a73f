import type { QueueName } from '../github/routes.ts'
import type { Observer } from './observer.ts'

/** The bodies that the broker stored, as it stored them. */
export interface WireTap extends Pick<Required<Observer>, 'stored'> {
  /** Stops listening and returns what was stored until now. */
  take(): ReadonlyMap<QueueName, readonly Uint8Array[]>
}

export function createWireTap(): WireTap {
  const bodies = new Map<QueueName, Uint8Array[]>()
  let isListening = true
  return {
    stored({ queue, body }) {
      if (!isListening) return
      const known = bodies.get(queue)
      if (known === undefined) bodies.set(queue, [body])
      else known.push(body)
    },
    take() {
      isListening = false
      return bodies
    },
  }
}
