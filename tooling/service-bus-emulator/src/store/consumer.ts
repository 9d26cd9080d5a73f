import type { Entry, Hold, Lock } from './entry.ts'

/** Whether a delivery is locked until it is settled, or gone as soon as it is handed out. */
export type ReceiveMode = 'lock' | 'delete'

export interface Taken {
  readonly entry: Entry
  /** Undefined where it was deleted. */
  readonly lock: Lock | undefined
}

/** Who takes messages as they come. */
export interface Consumer {
  readonly mode: ReceiveMode
  /** The session it receives from. */
  readonly hold: Hold | undefined
  /** Whether it takes one more now. */
  wants(): boolean
  deliver(taken: Taken): void
}

/** Who waits for any session with messages in it. */
export interface Acceptor {
  /** The name under which it will hold the session. */
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly deadline: number
  readonly onLost: () => void
  granted(hold: Hold): void
  timedOut(): void
}
