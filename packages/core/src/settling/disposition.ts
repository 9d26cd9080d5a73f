import type { DeadLetterReason, Disposition } from '../message/message.ts'

/** What can be settled: a message of the application, or a delivery that never became one. */
interface Settleable {
  complete(): Promise<void>
  abandon(options: { delayMs: number }): Promise<void>
  deadLetter(reason: DeadLetterReason): Promise<void>
}

/** What each action needs beside its name. */
const NEEDS: Record<Disposition['action'], (given: Record<string, unknown>) => boolean> = {
  complete: () => true,
  abandon: ({ delayMs }) => Number.isSafeInteger(delayMs) && (delayMs as number) >= 0,
  'dead-letter': ({ reason }) => typeof reason === 'string' && reason !== '',
  hold: () => true,
}

/** True for what is a disposition; callbacks of applications may return anything. */
export const isDisposition = (value: unknown): value is Disposition => {
  if (typeof value !== 'object' || value === null || !('action' in value)) return false
  const { action } = value
  return (
    typeof action === 'string' && Object.hasOwn(NEEDS, action) && NEEDS[action as Disposition['action']]({ ...value })
  )
}

/**
 * Acts on a disposition; resolves with false where there is nothing to do, since the message is held. `description` goes to the
 * dead letter and is readable at the broker.
 */
export async function execute(target: Settleable, disposition: Disposition, description?: string): Promise<boolean> {
  switch (disposition.action) {
    case 'complete':
      await target.complete()
      return true
    case 'abandon':
      await target.abandon({ delayMs: disposition.delayMs })
      return true
    case 'dead-letter':
      await target.deadLetter({ reason: disposition.reason, description })
      return true
    case 'hold':
      return false
  }
}
