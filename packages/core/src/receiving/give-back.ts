import type { Clock } from '../base/clock.ts'
import { OVER } from '../base/signals.ts'
import type { Unprotected } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import { sortVerdicts, type Taken, type Taking } from './taking.ts'

/** After an abort, opening has this long to release what it claimed, in milliseconds; then the messages go back without it. */
const RELEASE_MS = 1_000

export const handBack = async (deliveries: readonly Delivery[]): Promise<void> => {
  await Promise.allSettled(deliveries.map(async (delivery) => delivery.abandon({ delayMs: 0 })))
}

export const release = async (taken: readonly Taken[]): Promise<void> => {
  await Promise.allSettled(taken.map(({ settlement }) => settlement.release()))
}

/** Nothing stays claimed that nobody will handle. */
export const releaseClaims = async (verdicts: readonly Unprotected[]): Promise<void> => {
  await Promise.allSettled(verdicts.map(async (verdict) => 'body' in verdict && verdict.claim?.release()))
}

/** What opening came to after an abort; nothing where it released what it claimed, or takes too long. */
export async function lateVerdicts(judging: Promise<Unprotected[]>, clock: Clock): Promise<Unprotected[] | undefined> {
  const over = new AbortController()
  const timeout = clock.sleep(RELEASE_MS, over.signal).then(() => undefined)
  const verdicts = await Promise.race([judging, timeout]).catch(() => undefined)
  over.abort(OVER)
  return verdicts
}

/** After an abort nobody will take what was received: it goes back at once instead of waiting for its lock to end. */
export async function giveBack(
  deliveries: readonly Delivery[],
  judging: Promise<Unprotected[]>,
  { taking, clock }: { readonly taking: Taking; readonly clock: Clock },
): Promise<void> {
  const verdicts = await lateVerdicts(judging, clock)
  if (verdicts === undefined) return handBack(deliveries)
  const { opened, refused, held, overtaking } = sortVerdicts(deliveries, verdicts)
  await release([...opened, ...overtaking].map(taking.take))
  await Promise.allSettled(held.map(({ delivery, claim }) => taking.settlement(delivery, claim).release()))
  await handBack(refused.map(({ delivery }) => delivery))
}
