import { GetQueueUrlCommand } from '@aws-sdk/client-sqs'
import { abortable } from '@queue-runtime/core/provider'
import type { Act, CallLimits, Connection } from './connection.ts'
import { isCode } from './errors.ts'
import type { Address } from './queue-names.ts'

/** Requirements, section 0: how long a send, and what is as short, may take, in milliseconds. */
export const CALL_MS = 10_000

/** One queue as calls reach it. */
export interface QueueDoor {
  readonly address: Address
  /** Makes a call with the URL of the queue, which is forgotten when there is no such queue any more (requirements PS14). */
  call<T>(limits: Omit<CallLimits, 'queue'>, act: (url: string, ...rest: Parameters<Act<T>>) => Promise<T>): Promise<T>
}

/** `queue`: what errors call it. */
export function createDoor(connection: Connection, queue: string, address: Address): QueueDoor {
  let known: Promise<string> | undefined

  const look = async (operation: string): Promise<string> => {
    const { QueueUrl: url } = await connection.call({ queue, operation, timeoutMs: CALL_MS }, (client, options) =>
      client.send(new GetQueueUrlCommand({ QueueName: address.name, QueueOwnerAWSAccountId: address.owner }), options),
    )
    return url ?? ''
  }

  /** All who need it at once share one call; whoever comes after a failure asks anew. */
  const find = (operation: string): Promise<string> => {
    if (known !== undefined) return known
    const looking = look(operation)
    const forget = (): void => {
      if (known === looking) known = undefined
    }
    known = looking
    looking.catch(forget)
    return looking
  }

  return {
    address,
    async call({ signal, ...limits }, act) {
      signal?.throwIfAborted()
      const finding = address.url ?? find(limits.operation)
      const url = typeof finding === 'string' ? finding : await (signal ? abortable(finding, signal) : finding)
      try {
        return await connection.call({ ...limits, queue, signal }, (client, options) => act(url, client, options))
      } catch (error) {
        if (isCode(error, 'QueueNotFound')) known = undefined
        throw error
      }
    },
  }
}
