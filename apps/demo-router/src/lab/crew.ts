import { setTimeout as delay } from 'node:timers/promises'
import {
  type Clock,
  type Consumer,
  createQueueClient,
  isQueueError,
  type Logger,
  type QueueClient,
  type QueueProvider,
  type ReceivedMessage,
  type RejectedMessage,
} from '@queue-runtime/core'
import type { QueueLook } from '../dashboard/dashboard.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import type { Protection } from '../keys.ts'

/** The bots, each of which can be replaced while the others work on. */
export interface Crew {
  /**
   * Lets what runs at a queue end, and starts a bot for each of the protections. What the old ones held goes back to the queue:
   * nothing is lost between the two.
   */
  staff(queue: QueueName, protections: readonly Protection[]): Promise<void>
  /** Whether a queue's bots are at work, and what keeps them from it. Never rejects. */
  look(queue: QueueName): Promise<Pick<QueueLook, 'depth' | 'intake' | 'pausedBy'>>
  close(): Promise<void>
}

export interface CrewOptions {
  readonly provider: QueueProvider
  readonly clock: Clock
  readonly logger: Logger
  readonly onRead: (queue: QueueName, message: ReceivedMessage) => void
  readonly onRejected: (queue: QueueName, rejected: RejectedMessage) => void
}

interface Bot {
  readonly client: QueueClient
  readonly consumer: Consumer
}

/** Deliveries that the bots of one queue work on at once. */
const CONCURRENCY = 4
/** What a bot does takes a while, or no two consumers would ever meet. */
const WORK_MS = 20
/** A store that is back is noticed this soon. */
const RETRY = { maxMs: 3_000 } as const
const LOOK_MS = 800

/** What stands between a queue and its bots when these are at rest because of a store. All else is the broker. */
const STORE_CODES: readonly string[] = ['KeyProviderError', 'NonceStoreUnavailable', 'KeyProviderMissing']

const codeOf = (error: unknown): string => {
  if (isQueueError(error)) return error.code
  return error instanceof Error ? error.name : 'Error'
}

export function createCrew({ provider, clock, logger, onRead, onRejected }: CrewOptions): Crew {
  const bots = perQueue((): readonly Bot[] => [])

  const start = (queue: QueueName, crypto: Protection, concurrency: number): Bot => {
    const client = createQueueClient({
      ...{ provider, queue, clock, logger, crypto, retry: RETRY },
      onRejected: (rejected) => onRejected(queue, rejected),
    })
    const consumer = client.consume(
      async (message) => {
        onRead(queue, message)
        await delay(WORK_MS)
      },
      { concurrency },
    )
    return { client, consumer }
  }

  const staff: Crew['staff'] = async (queue, protections) => {
    const old = bots[queue]
    bots[queue] = []
    await Promise.all(old.map(({ client }) => client.close()))
    const concurrency = Math.max(1, Math.floor(CONCURRENCY / Math.max(1, protections.length)))
    bots[queue] = protections.map((protection) => start(queue, protection, concurrency))
  }

  return {
    staff,
    async look(queue) {
      const [bot] = bots[queue]
      if (bot === undefined) return { depth: null, intake: 'paused', pausedBy: 'attack' }
      try {
        const { depth } = await bot.client.health({ signal: AbortSignal.timeout(LOOK_MS) })
        // An outage that was just noticed, or is just over: the next look knows more.
        const intake = bot.consumer.state === 'paused' ? 'paused' : 'running'
        return { depth: depth ?? null, intake, pausedBy: null }
      } catch (error) {
        const code = codeOf(error)
        return { depth: null, intake: STORE_CODES.includes(code) ? 'paused' : 'broken', pausedBy: code }
      }
    },
    async close() {
      await Promise.all(QUEUES.map((queue) => staff(queue, [])))
    },
  }
}
