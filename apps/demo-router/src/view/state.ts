import type { Counts } from '../counters.ts'
import type { Progress } from '../demo/deliver.ts'
import type { AttackRow, QueueRow } from '../demo/result.ts'
import type { RecentMessage } from './recent.ts'

/** How far a run is. */
export interface RunState {
  readonly phase: 'waiting' | 'delivering' | 'attacking' | 'done'
  readonly progress: Progress | null
  readonly queues: readonly QueueRow[]
  readonly attacks: readonly AttackRow[]
  readonly failures: readonly string[]
}

/** What the page reads at `/state.json`. */
export interface ViewState extends RunState {
  /** What became of all requests so far. */
  readonly requests: Counts
  /** Log lines about the refusals that the attacks were meant to bring about. */
  readonly expectedLines: number
  /** Newest first. */
  readonly messages: readonly RecentMessage[]
}
