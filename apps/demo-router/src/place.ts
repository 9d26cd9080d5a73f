import type { QueueName } from './github/routes.ts'

/** Where one stored message lies. The broker numbers each queue on its own. */
export interface Place {
  readonly queue: QueueName
  readonly brokerMessageId: string
}

export const placeKey = ({ queue, brokerMessageId }: Place): string => `${queue}/${brokerMessageId}`
