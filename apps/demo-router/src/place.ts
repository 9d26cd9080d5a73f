import type { QueueName } from './github/routes.ts'

/** Where one stored message lies. The broker numbers each queue on its own. */
export interface Place {
  readonly queue: QueueName
  readonly brokerMessageId: string
}

export const placeKey = ({ queue, brokerMessageId }: Place): string => `${queue}/${brokerMessageId}`

/** Finds the message of a place in what `broker.queue(place.queue)` lists. */
export const isAt =
  (place: Place) =>
  (message: { readonly brokerMessageId: string }): boolean =>
    message.brokerMessageId === place.brokerMessageId
