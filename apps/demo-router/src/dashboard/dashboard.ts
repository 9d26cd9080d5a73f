import type { Counts } from '../counters.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import type { AttackInfo, AttackResult, OutageName, QueueStatus, Snapshot } from './events.ts'
import { createFeed, type Feed } from './feed.ts'
import type { Messages } from './messages.ts'
import type { Points } from './points.ts'

/** What is asked of each queue once a second. */
export interface QueueLook extends Pick<QueueStatus, 'mode' | 'seals' | 'intake' | 'pausedBy' | 'keys'> {
  readonly depth: number | null
}

/** What stands in the lab, where there is one. */
export interface LabLook {
  readonly attacks: readonly AttackInfo[]
  readonly outages: Readonly<Record<OutageName, boolean>>
  readonly traffic: boolean
}

export interface DashboardOptions {
  readonly backends: Snapshot['backends']
  readonly messages: Messages
  readonly points: Points
  readonly requests: () => Counts
  /** Never rejects: what cannot be asked is told in what it resolves with. */
  readonly look: (queue: QueueName) => Promise<QueueLook>
  readonly lab: (() => LabLook) | null
  /** Default 1 s. */
  readonly everyMs?: number
  readonly feed?: Partial<Parameters<typeof createFeed>[0]>
}

/** Gathers what the page shows, and tells the pages that are open. */
export interface Dashboard {
  readonly feed: Pick<Feed, 'serve' | 'publishMessage' | 'size'>
  readonly messages: Messages
  /** Looks at a queue now, and tells. */
  refresh(queue: QueueName): Promise<QueueStatus>
  /** Tells what changed in the lab. */
  labChanged(): void
  attackEnded(result: AttackResult): void
  close(): Promise<void>
}

const SECOND_MS = 1_000
const KEPT_RESULTS = 60

const NO_LAB: LabLook = { attacks: [], outages: { broker: false, keys: false, nonces: false }, traffic: false }

const flat = ({ sent, ignored, refused, failed }: Counts): Record<string, number> => ({
  ...sent,
  ignored,
  ...refused,
  failed,
})

/** Starts to look at the queues once a second. */
export function startDashboard(options: DashboardOptions): Dashboard {
  const { backends, messages, points, requests, look, lab, everyMs = SECOND_MS } = options
  const results: AttackResult[] = []
  const looks = perQueue((): QueueLook | undefined => undefined)
  const told = new Map<string, string>()
  let isLooking = false
  let looking: Promise<void> = Promise.resolve()

  const statusOf = (queue: QueueName): QueueStatus | undefined => {
    const known = looks[queue]
    if (known === undefined) return undefined
    const { depth, ...status } = known
    return { queue, ...status, totals: points.totals(queue) }
  }

  const snapshot = (): Snapshot => ({
    ...{ backends, hasLab: lab !== null },
    queues: QUEUES.map(statusOf).filter((status) => status !== undefined),
    messages: messages.rows(),
    points: points.history,
    ...{ ...NO_LAB, ...lab?.() },
    results,
    requests: flat(requests()),
  })
  const feed = createFeed({ snapshot, ...options.feed })

  /** Tells what is not as it was told last. */
  const tell = (key: string, data: unknown, publish: () => void): void => {
    const text = JSON.stringify(data)
    if (told.get(key) === text) return
    told.set(key, text)
    publish()
  }

  const tellQueue = (status: QueueStatus): void => tell(status.queue, status, () => feed.publish('queue', status))

  const refresh = async (queue: QueueName): Promise<QueueStatus> => {
    const seen = await look(queue)
    looks[queue] = seen
    const { depth, ...status } = seen
    const whole = { queue, ...status, totals: points.totals(queue) }
    tellQueue(whole)
    return whole
  }

  const lookAround = async (): Promise<void> => {
    // A broker that does not answer makes a look late, not the looks pile up.
    if (isLooking) return
    isLooking = true
    await Promise.allSettled(QUEUES.map(refresh))
    isLooking = false
  }

  const tick = (): void => {
    feed.publish('points', points.tick(perQueue((queue) => looks[queue]?.depth ?? null)))
    const counts = flat(requests())
    tell('requests', counts, () => feed.publish('requests', counts))
    looking = lookAround()
  }

  looking = lookAround()
  const ticking = setInterval(tick, everyMs)
  ticking.unref()

  return {
    feed,
    messages,
    refresh,
    labChanged() {
      const { outages, traffic } = lab?.() ?? NO_LAB
      tell('outages', outages, () => feed.publish('outages', outages))
      tell('traffic', traffic, () => feed.publish('traffic', traffic))
    },
    attackEnded(result) {
      results.unshift(result)
      results.splice(KEPT_RESULTS)
      feed.publish('attack', result)
    },
    async close() {
      clearInterval(ticking)
      feed.close()
      await looking
    },
  }
}
