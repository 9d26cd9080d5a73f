import { type EventRule, isOnPullRequest, ruleFor, type WebhookEvent } from './event.ts'

/** The queues, each named after the bot that reads it. */
export const QUEUES = ['task-tactician', 'merge-warden', 'spec-sentinel'] as const
export type QueueName = (typeof QUEUES)[number]

export const isQueueName = (name: string): name is QueueName => (QUEUES as readonly string[]).includes(name)

/** Returns a record with one value per queue. */
export const perQueue = <T>(make: (queue: QueueName) => T): Record<QueueName, T> =>
  Object.fromEntries(QUEUES.map((queue) => [queue, make(queue)])) as Record<QueueName, T>

export interface Route extends EventRule {
  readonly queue: QueueName
}

/** Who gets what; the first row that fits. An event without a row is nobody's. */
export const ROUTES: readonly Route[] = [
  { events: /^pull_request(_|$)/, queue: 'task-tactician' },
  { events: /^issue_comment$/, when: isOnPullRequest, queue: 'task-tactician' },
  { events: /^(issues|issue_comment)$/, queue: 'merge-warden' },
  { events: /^push$/, queue: 'spec-sentinel' },
]

/** Returns the queue of an event, or undefined where nobody asked for it. */
export const queueOf = (routes: readonly Route[], event: WebhookEvent): QueueName | undefined =>
  ruleFor(routes, event)?.queue
