/** What is known of the clock of a server, whose moments are milliseconds, against that of this process. */
export interface ServerClock {
  /**
   * What the clock of the server will show, in whole milliseconds, at a moment of `performance.now()`. It may be less by what
   * an answer took on its way, and is never more. 0 where nothing is known.
   */
  at(localMs: number): number
  /** Takes note of what it showed before this moment of `performance.now()`. */
  learn(serverNow: number, receivedAt: number): void
}

/** Returns a clock that follows the server by its last answer: one that is set, and another server's after a failover. */
export function createServerClock(): ServerClock {
  let aheadMs: number | undefined
  return {
    at: (localMs) => (aheadMs === undefined ? 0 : Math.floor(localMs + aheadMs)),
    learn(serverNow, receivedAt) {
      aheadMs = serverNow - receivedAt
    },
  }
}
