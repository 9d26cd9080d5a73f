import { setTimeout as delay } from 'node:timers/promises'

const LOOK_EVERY_MS = 5

/**
 * Looks every few milliseconds until something holds; false when that took longer than `timeoutMs`. By the machine's clock:
 * what is waited for must come, whatever the clock of the demo says.
 *
 * @throws the reason of the signal when it aborts
 */
export async function holdsWithin(
  timeoutMs: number,
  signal: AbortSignal,
  holds: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    signal.throwIfAborted()
    if (performance.now() >= deadline) return false
    await delay(LOOK_EVERY_MS)
  }
  return true
}
