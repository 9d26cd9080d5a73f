/** What is known of the clock of a server, whose moments are milliseconds, against that of this process. */
export interface ServerClock {
  /** What the clock of the server will show, in whole milliseconds, at a moment of `performance.now()`; 0 where it is not known. */
  at(localMs: number): number
  /** Takes note of what it showed while a call was under way that was sent at this moment of `performance.now()`. */
  learn(serverNow: number, sentAt: number): void
}

/**
 * Returns a clock that follows the server by its answers, one that is set or another server's after a failover too. It shows
 * at most the time of one call too much, and never too little.
 */
export function createServerClock(): ServerClock {
  let aheadMs: number | undefined
  return {
    at: (localMs) => (aheadMs === undefined ? 0 : Math.ceil(localMs + aheadMs)),
    learn(serverNow, sentAt) {
      aheadMs = serverNow - sentAt
    },
  }
}
