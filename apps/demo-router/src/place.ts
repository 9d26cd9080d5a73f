import type { QueueName } from './github/routes.ts'

/** Where one copy of a message lies. Two copies of one message have two keys, and no key is used twice. */
export interface Place {
  readonly queue: QueueName
  readonly key: string
}
