import type { Clock } from '@queue-runtime/core'
import type { BackendNames } from '../backends/backends.ts'
import type { Embedded } from '../backends/plan.ts'
import type { Environment } from '../config/variables.ts'
import type { QueueName } from '../github/routes.ts'
import { LOCAL_KEYS } from './keys.ts'
import type { KeyOperator, LocalServer, StartLocal } from './local-server.ts'
import { LOCAL_NONCES } from './nonces.ts'
import { LOCAL_QUEUES } from './queues.ts'

/** Servers of one's own for every backend: what runs on them can be attacked, rotated and cut off. */
export interface Local {
  /** With these the very code that reaches a cloud reaches the local servers. */
  readonly variables: Environment
  readonly embedded: Embedded
  /** The broker goes by the clock of the machine, and not by the one that can skip. */
  readonly isRealTime: boolean
  operatorOf(queue: QueueName): KeyOperator
  close(): Promise<void>
}

/** The backends that a local server stands for, each by the name that its variable has. */
export const LOCAL_NAMES: Readonly<Record<keyof BackendNames, readonly string[]>> = {
  queue: Object.keys(LOCAL_QUEUES),
  keys: Object.keys(LOCAL_KEYS),
  nonces: Object.keys(LOCAL_NONCES),
}

const starter = <T extends LocalServer>(
  table: Readonly<Record<string, StartLocal<T>>>,
  name: string,
): StartLocal<T> => {
  const start = table[name]
  if (start === undefined) throw new TypeError(`There is no local server for ${name}.`)
  return start
}

/**
 * Starts a local server for each of these backends, on free ports of the loopback, or what stands in for it in this process.
 *
 * @throws the reason of the signal when it aborts, what was started closed
 */
export async function startLocal(names: BackendNames, clock: Clock, signal?: AbortSignal): Promise<Local> {
  const started: LocalServer[] = []
  const close = async (): Promise<void> => {
    for (const server of started.splice(0).reverse()) await server.close()
  }
  const begin = async <T extends LocalServer>(start: StartLocal<T>): Promise<T> => {
    const server = await start(clock)
    started.push(server)
    signal?.throwIfAborted()
    return server
  }
  try {
    const queues = await begin(starter(LOCAL_QUEUES, names.queue))
    const keys = await begin(starter(LOCAL_KEYS, names.keys))
    const nonces = await begin(starter(LOCAL_NONCES, names.nonces))
    return {
      variables: { ...queues.variables, ...keys.variables, ...nonces.variables },
      embedded: { ...queues.embedded, ...keys.embedded },
      isRealTime: queues.isRealTime,
      operatorOf: keys.operatorOf,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
