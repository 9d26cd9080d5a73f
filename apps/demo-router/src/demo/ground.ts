import type { Logger } from '@queue-runtime/core'
import { type BackendNames, type Backends, openBackends, readBackends } from '../backends/backends.ts'
import { type SkippingClock, skippingClock } from '../clock.ts'
import { readVariables } from '../config/variables.ts'
import type { QueueName } from '../github/routes.ts'
import type { KeyOperator } from '../local/local-server.ts'
import { startLocal } from '../local/start.ts'

/** What the demo stands on: backends of its own, on a clock that can skip. */
export interface Ground {
  readonly clock: SkippingClock
  readonly backends: Backends
  /** The broker goes by the clock of the machine. */
  readonly isRealTime: boolean
  operatorOf(queue: QueueName): KeyOperator
  close(): Promise<void>
}

export const EMBEDDED: BackendNames = { queue: 'memory', keys: 'local', nonces: 'memory' }

/** Starts the servers and opens them, as a process of its own would by its variables. Rejects when `signal` aborts meanwhile. */
export async function openGround(names: BackendNames, logger: Logger, signal?: AbortSignal): Promise<Ground> {
  const clock = skippingClock()
  const local = await startLocal(names, clock, signal)
  try {
    const config = readBackends(readVariables(local.variables))
    const backends = await openBackends(config, { clock, logger, embedded: local.embedded })
    return {
      ...{ clock, backends, isRealTime: local.isRealTime, operatorOf: local.operatorOf },
      async close() {
        await backends.close()
        await local.close()
      },
    }
  } catch (error) {
    await local.close()
    throw error
  }
}
