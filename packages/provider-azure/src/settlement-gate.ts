/** Keeps settlements of one AMQP link apart that must not be written together. */
export interface SettlementGate {
  /** Starts a settlement when it can be written with its own outcome, and settles as it does. */
  run<T>(isCompletion: boolean, settle: () => Promise<T>): Promise<T>
}

interface Waiting {
  readonly isCompletion: boolean
  readonly start: () => void
}

/** Ends after the SDK has written what was asked of it so far. */
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * rhea, under the SDK, writes settlements of one tick as one where the deliveries follow each other, with the outcome of the first
 * for all, and all promises are kept: a dead letter behind a completion would be lost. So completions alone share a tick, and
 * nothing is slower for them while nothing else is settled.
 */
export function createSettlementGate(): SettlementGate {
  const waiting: Waiting[] = []
  let isOpen = true

  const letThrough = async (): Promise<void> => {
    isOpen = false
    let isWritten = false
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { isCompletion, start } = next
      if (!isCompletion && !isWritten) await tick()
      start()
      if (!isCompletion) await tick()
      isWritten = !isCompletion
    }
    isOpen = true
  }

  return {
    run(isCompletion, settle) {
      if (isOpen && isCompletion) return settle()
      return new Promise((resolve, reject) => {
        waiting.push({ isCompletion, start: () => settle().then(resolve, reject) })
        if (isOpen) void letThrough()
      })
    },
  }
}
