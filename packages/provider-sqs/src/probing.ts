import { GetQueueAttributesCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs'
import { isCode } from './errors.ts'
import type { QueueDoor } from './queue-url.ts'

/** Requirements, section 0: a health check, in milliseconds. */
const PROBE_MS = 30_000

const DEPTH = 'ApproximateNumberOfMessages'

/** Asks whether the queue is there; an identity that may not see its depth is told that it is. */
export const createProbe =
  (door: QueueDoor) =>
  async ({ signal }: { signal: AbortSignal }): Promise<{ depth: number | undefined }> => {
    const limits = { operation: 'health', timeoutMs: PROBE_MS, signal }
    try {
      const { Attributes } = await door.call(limits, (QueueUrl, client, options) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [DEPTH] }), options),
      )
      const depth = Attributes?.[DEPTH]
      return { depth: depth === undefined ? undefined : Number(depth) }
    } catch (error) {
      if (!isCode(error, 'PermissionDenied')) throw error
      const { name, owner } = door.address
      await door.call(limits, (_, client, options) =>
        client.send(new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: owner }), options),
      )
      return { depth: undefined }
    }
  }
