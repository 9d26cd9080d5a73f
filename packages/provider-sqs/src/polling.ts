import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { Delivery } from '@queue-runtime/core/provider'
import { createDelivery, type DeliveryParts } from './delivery.ts'
import { CALL_MS, type QueueDoor } from './queue-url.ts'
import { rawMessage, SYSTEM_ATTRIBUTES } from './raw-message.ts'

/** Asks SQS once. Whoever asked may be gone by the time it answers: it is never cut short, or SQS would hand out messages to nobody. */
export type Poll = (maxMessages: number, seconds: number) => Promise<Delivery[]>

export const createPoll =
  (door: QueueDoor, parts: DeliveryParts): Poll =>
  async (maxMessages, seconds) => {
    const limits = { operation: 'receive', timeoutMs: seconds * 1_000 + CALL_MS, isPoll: true }
    const { Messages = [] } = await door.call(limits, (QueueUrl, client, options) =>
      client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: maxMessages,
          WaitTimeSeconds: seconds,
          VisibilityTimeout: parts.lockMs / 1_000,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: [...SYSTEM_ATTRIBUTES],
        }),
        options,
      ),
    )
    return Messages.map((message) => createDelivery(rawMessage(message), parts))
  }
