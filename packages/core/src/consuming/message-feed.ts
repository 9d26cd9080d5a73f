import type { Puller } from '../receiving/intake.ts'
import { DEFAULT_WAIT_MS } from '../receiving/receiver.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import type { OpenFeed, Task } from './consumer.ts'
import type { ConsumeOptions } from './handler.ts'
import type { Handling } from './handling.ts'
import { runInOrder } from './in-order.ts'

/**
 * Feeds a consumer from the queue itself. With `sessions`, messages of one session that are in hand together are handled in
 * order: for brokers that hand sessions out like other messages and keep the rest of a session back meanwhile.
 */
export const messageFeed =
  (puller: Puller, makeHandling: (stopping: AbortSignal) => Handling, options: ConsumeOptions): OpenFeed =>
  (stopping) => {
    const handling = makeHandling(stopping)
    const { sessions = false, maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
    return {
      async next(free, start) {
        const pull = { maxMessages: free, waitMs: DEFAULT_WAIT_MS, signal: stopping, renewMs, ifShut: 'wait' } as const
        const { messages } = await puller.pull(pull)
        const groups = Map.groupBy(messages, ({ message }) => (sessions ? (message.sessionId ?? message) : message))
        for (const group of groups.values()) {
          const jobs = group.map((taken) => handling.accept(taken))
          const task: Task = {
            ended: runInOrder(jobs),
            release: async () => void (await Promise.all(jobs.map((job) => job.release()))),
          }
          start(task, jobs.length)
        }
      },
    }
  }
