import { perQueue, type QueueName } from './github/routes.ts'
import { REFUSALS, type Refusal } from './github/webhook.ts'
import type { Outcome } from './router.ts'

/** What became of the requests so far. Every request is counted once. */
export interface Counts {
  readonly sent: Readonly<Record<QueueName, number>>
  readonly ignored: number
  readonly refused: Readonly<Record<Refusal, number>>
  readonly failed: number
}

export interface Counters {
  count(outcome: Outcome): void
  countFailure(): void
  snapshot(): Counts
}

export function createCounters(): Counters {
  const sent = perQueue(() => 0)
  const refused = Object.fromEntries(Object.keys(REFUSALS).map((why) => [why, 0])) as Record<Refusal, number>
  let ignored = 0
  let failed = 0
  return {
    count(outcome) {
      if (outcome.status === 'sent') sent[outcome.queue] += 1
      else if (outcome.status === 'refused') refused[outcome.refusal] += 1
      else ignored += 1
    },
    countFailure() {
      failed += 1
    },
    snapshot: () => ({ sent: { ...sent }, ignored, refused: { ...refused }, failed }),
  }
}
