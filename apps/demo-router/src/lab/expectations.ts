/** Which log lines somebody who plays with the demo brings about. */
export interface Expectations {
  /** What is logged of this message from now on is expected. */
  touch(messageId: string): void
  /** Whatever is logged for a while is: an outage begins or ends, or a queue takes plaintext. */
  disturb(): void
  isExpected(fields: Record<string, unknown>): boolean
}

/** Ids that are remembered: more than any attack puts at once. */
const REMEMBERED = 5_000
/** Clients notice the end of an outage up to half a minute later. */
const DISTURBED_MS = 60_000

/** `isUnusual`: whether something is switched so right now that clients have to complain. */
export function createExpectations(isUnusual: () => boolean): Expectations {
  const touched = new Set<unknown>()
  let disturbedUntil = 0
  return {
    touch(messageId) {
      touched.add(messageId)
      const [oldest] = touched
      if (touched.size > REMEMBERED) touched.delete(oldest)
    },
    disturb() {
      disturbedUntil = performance.now() + DISTURBED_MS
    },
    isExpected: ({ message_id }) => touched.has(message_id) || isUnusual() || performance.now() < disturbedUntil,
  }
}
