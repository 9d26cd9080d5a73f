import { isEncrypted } from '@queue-runtime/core/provider'
import type { Observer } from '../demo/observer.ts'
import { percentile } from '../demo/statistics.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import type { QueuePoint, QueueStatus } from './events.ts'

/** What each queue did in each second. */
export interface Points extends Required<Observer> {
  /** The last minutes, oldest first. */
  readonly history: readonly QueuePoint[]
  totals(queue: QueueName): QueueStatus['totals']
  /** So many dead letters left their queue: they were sent again. */
  redriven(queue: QueueName, letters: number): void
  /** Ends a second and returns what was counted in it. */
  tick(depths: Readonly<Record<QueueName, number | null>>): QueuePoint[]
}

const MINUTES = 5
const KEPT = MINUTES * 60 * QUEUES.length

const fresh = () => ({
  ...{ sent: 0, handled: 0, refused: 0, sealed: 0, plaintext: 0 },
  latencies: [] as number[],
  ageMs: null as number | null,
})

const whole = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms))

/** `now` is the clock of the clients: messages age by it. */
export function createPoints(now: () => number): Points {
  const seconds = perQueue(fresh)
  const totals = perQueue(() => ({ sent: 0, handled: 0, refused: 0, deadLetters: 0 }))
  /** When those that bots have in hand were sent. */
  const inHand = new Map<string, number | undefined>()
  const history: QueuePoint[] = []

  const count = (queue: QueueName, what: 'sent' | 'handled' | 'refused'): void => {
    seconds[queue][what] += 1
    totals[queue][what] += 1
  }

  return {
    history,
    stored({ queue, body }) {
      count(queue, 'sent')
      seconds[queue][isEncrypted(body) ? 'sealed' : 'plaintext'] += 1
    },
    read({ queue, key }, { seal, enqueuedAt }) {
      const sentAt = (seal?.encryptedAt ?? enqueuedAt)?.getTime()
      inHand.set(key, sentAt)
      if (sentAt === undefined) return
      const second = seconds[queue]
      second.ageMs = Math.max(second.ageMs ?? 0, now() - sentAt)
    },
    rejected({ queue }, { disposition }) {
      if (disposition.action !== 'hold') count(queue, 'refused')
    },
    completed({ queue, key }) {
      if (!inHand.has(key)) return
      const sentAt = inHand.get(key)
      inHand.delete(key)
      count(queue, 'handled')
      if (sentAt !== undefined) seconds[queue].latencies.push(Math.max(0, now() - sentAt))
    },
    dead({ queue, key }) {
      inHand.delete(key)
      totals[queue].deadLetters += 1
    },
    redriven(queue, letters) {
      totals[queue].deadLetters -= letters
    },
    totals: (queue) => ({ ...totals[queue] }),
    tick(depths) {
      const at = Date.now()
      const points = QUEUES.map((queue) => {
        const { latencies, ageMs, ...counts } = seconds[queue]
        seconds[queue] = fresh()
        return {
          ...{ queue, at, ...counts },
          depth: depths[queue],
          latencyP50Ms: whole(percentile(latencies, 0.5)),
          latencyP95Ms: whole(percentile(latencies, 0.95)),
          ageMs: whole(ageMs ?? undefined),
        }
      })
      history.push(...points)
      if (history.length > KEPT) history.splice(0, history.length - KEPT)
      return points
    },
  }
}
