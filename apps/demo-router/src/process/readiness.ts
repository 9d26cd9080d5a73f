import { isQueueError, type QueueClient } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import type { KeyProvider } from '@queue-runtime/crypto'

/** How long one part may take to say how it is, in milliseconds. */
const LOOK_MS = 3_000

const codeOf = (error: unknown): string => {
  if (isQueueError(error)) return error.code
  return error instanceof Error && error.name === 'TimeoutError' ? 'Timeout' : errorClass(error)
}

/** Undefined where the broker answers for a queue, else why not. Who may not look, and is told so, has been answered. */
export async function lookAtQueue(client: Pick<QueueClient, 'health'>): Promise<string | undefined> {
  try {
    await client.health({ signal: AbortSignal.timeout(LOOK_MS) })
    return undefined
  } catch (error) {
    return isQueueError(error, 'PermissionDenied') || isQueueError(error, 'Unsupported') ? undefined : codeOf(error)
  }
}

/** Undefined where the key that seals is known, else why not. */
export async function lookAtKeys(keys: Pick<KeyProvider, 'currentKeyId'>): Promise<string | undefined> {
  try {
    await keys.currentKeyId({ signal: AbortSignal.timeout(LOOK_MS) })
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

/** Leaves out what is well. */
export const onlyTrouble = (
  looks: readonly (readonly [part: string, reason: string | undefined])[],
): Record<string, string> => Object.fromEntries(looks.filter((look): look is [string, string] => look[1] !== undefined))
