/** What the process that is loaded is told. */
export type ToTarget = 'report' | 'stop'

export interface TargetReport {
  /** Ids of the messages that bots handled, once per handling. */
  readonly handled: readonly string[]
  /** Warnings, errors and refusals. */
  readonly problems: readonly string[]
  readonly cpuSeconds: number
  readonly metrics: string
}

/** What the process that loads is told. */
export interface Orders {
  readonly url: string
  readonly secret: string
  readonly seconds: number
  /** Requests under way at once, each on a connection of its own. */
  readonly connections: number
}

export interface SourceReport {
  /** Ids of the deliveries that were answered 202 and sent to a queue. */
  readonly taken: readonly string[]
  /** How many answers had which status; 0: none came. */
  readonly answers: Readonly<Record<string, number>>
  readonly seconds: number
  /** Milliseconds from request to answer, of all, by share: 0.5 and so on. */
  readonly percentiles: Readonly<Record<string, number>>
}
