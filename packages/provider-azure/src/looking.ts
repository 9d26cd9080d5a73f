import type { Delivery } from '@queue-runtime/core/provider'

/** Asks the SDK once for at most so many, waiting for the first. Never again before its promise has settled. */
export type Draw = (maxMessages: number, waitMs: number) => Promise<Delivery[]>

interface LookParts {
  readonly draw: Draw
  /** False where the broker takes so long to say that nothing more comes that the SDK would close the link. */
  readonly mayDrain: () => boolean
  /** How long a look without a wait gives the first message to come. */
  readonly minWaitMs: number
}

/**
 * Looks for messages with as little waiting as the SDK allows: after a first message it waits up to a second for as many as it
 * was asked for, so the others are asked for separately, and only those that are there.
 */
export function createLook({ draw, mayDrain, minWaitMs }: LookParts): Draw {
  /** The last look brought as much as it could: there is more. */
  let isFlowing = false

  const drawAll = async (maxMessages: number, waitMs: number): Promise<Delivery[]> => {
    if (waitMs <= 0) return draw(maxMessages, minWaitMs)
    const isMany = maxMessages > 1 && mayDrain()
    const present = isFlowing && isMany ? await draw(maxMessages, 0) : []
    if (present.length > 0) return present
    const first = await draw(1, waitMs)
    if (first.length === 0 || !isMany) return first
    // What failed here fails again at the next look, where somebody hears of it.
    return [...first, ...(await draw(maxMessages - 1, 0).catch(() => []))]
  }

  return async (maxMessages, waitMs) => {
    const deliveries = await drawAll(maxMessages, waitMs)
    isFlowing = deliveries.length === maxMessages
    return deliveries
  }
}
