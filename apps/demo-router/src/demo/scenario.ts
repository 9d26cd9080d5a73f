import { ATTACKS } from '../attacks/all.ts'
import type { Attack } from '../attacks/attack.ts'
import type { StoredCopy } from '../broker/copies.ts'
import type { QueueName } from '../github/routes.ts'
import type { Place } from '../place.ts'
import { runRound } from './attack-round.ts'
import { deliverAll, type Progress } from './deliver.ts'
import { type Delivery, realDeliveries } from './deliveries.ts'
import { expectedQueue } from './expected.ts'
import type { House } from './house.ts'
import type { Ledger } from './ledger.ts'
import { createPost } from './post.ts'
import type { AttackRow, QueueRow, Result } from './result.ts'
import { judgeAttacks, judgeDeliveries, judgeWire } from './verdict.ts'
import type { WireTap } from './wire-tap.ts'

export interface ScenarioOptions {
  readonly house: House
  readonly ledger: Ledger
  readonly tap: WireTap
  readonly signal: AbortSignal
  readonly deliveries?: readonly Delivery[]
  readonly attacks?: readonly Attack[]
  /** How long to wait for what must come. Default 30 s, many times what it takes. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: Progress) => void
  readonly onQueues?: (rows: readonly QueueRow[]) => void
  readonly onTouch?: (messageId: string) => void
  readonly onAttacked?: (attack: Attack, copy: StoredCopy) => void
  readonly onTaken?: (place: Place) => void
  readonly onAttack?: (row: AttackRow) => void
}

const DEFAULT_TIMEOUT_MS = 30_000

/** Fresh deliveries for one attack: some for the attacked queue, one for each other bot. Others for each round. */
const pick = (deliveries: readonly Delivery[], round: number): Delivery[] => {
  const shares: readonly (readonly [queue: QueueName, count: number])[] = [
    ['task-tactician', 4],
    ['merge-warden', 1],
    ['spec-sentinel', 1],
  ]
  return shares.flatMap(([queue, count]) => {
    const own = deliveries.filter((delivery) => expectedQueue(delivery) === queue)
    return Array.from({ length: count }, (_, at) => own[(round * count + at) % own.length]).filter(
      (delivery) => delivery !== undefined,
    )
  })
}

/** Posts every delivery, then lets the attacks loose one by one. Resolves with what was counted, whether good or not. */
export async function runScenario(options: ScenarioOptions): Promise<Result> {
  const { house, ledger, tap, signal, timeoutMs = DEFAULT_TIMEOUT_MS, onProgress = () => {} } = options
  const { deliveries = realDeliveries(), attacks = ATTACKS } = options
  const post = createPost(house.webhookUrl, house.secret, signal)

  const queues = await deliverAll({ house, ledger, tap, post, deliveries, timeoutMs, signal, onProgress })
  options.onQueues?.(queues)
  const counts = house.counters.snapshot()
  const routed = Object.values(counts.sent).reduce((sum, count) => sum + count, 0)
  const failures = [...judgeDeliveries(ledger.entries, timeoutMs), ...judgeWire(queues)]

  const rows: AttackRow[] = []
  for (const [round, attack] of attacks.entries()) {
    const { row, bystanders } = await runRound({
      ...{ house, ledger, post, attack, timeoutMs, signal },
      deliveries: pick(deliveries, round),
      onTouch: (messageId) => options.onTouch?.(messageId),
      onAttacked: (copy) => options.onAttacked?.(attack, copy),
      onTaken: (place) => options.onTaken?.(place),
    })
    rows.push(row)
    failures.push(
      ...judgeDeliveries(bystanders, timeoutMs).map((sentence) => `Beside the attack ${attack.name}: ${sentence}`),
    )
    options.onAttack?.(row)
  }
  failures.push(...judgeAttacks(rows))
  if (ledger.strangers > 0) failures.push(`Bots read ${ledger.strangers} messages that nobody posted.`)

  return {
    received: routed + counts.ignored,
    routed,
    opened: queues.reduce((sum, { opened }) => sum + opened, 0),
    ignored: counts.ignored,
    attacks: rows,
    plaintextWindowsAtBroker: queues.reduce((sum, { plaintextWindows }) => sum + plaintextWindows, 0),
    queues,
    failures,
  }
}
