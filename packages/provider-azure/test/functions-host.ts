import type { ServiceBusReceivedMessage, ServiceBusReceiver, ServiceBusSessionReceiver } from '@azure/service-bus'
import type { FunctionsContext } from '@queue-runtime/provider-azure'
import type { TriggerContext, TriggerMessage } from '../src/functions-input.ts'

// What the host of Azure Functions and its Node library do with messages before a function gets them. Sources are named in
// src/functions-input.ts.

const firstToLower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

const parseIfJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const bytesOf = ({ body }: ServiceBusReceivedMessage): Buffer => Buffer.from(body as Uint8Array)

/** The metadata of one message, as they are of the classic trigger: text that looks like JSON is none any more. */
const metadataOf = (message: ServiceBusReceivedMessage): Record<string, unknown> => ({
  deliveryCount: (message.deliveryCount ?? 0) + 1,
  lockToken: message.lockToken,
  enqueuedTimeUtc: message.enqueuedTimeUtc?.toISOString(),
  messageId: parseIfJson(String(message.messageId)),
  contentType: message.contentType,
  sequenceNumber: Number(message.sequenceNumber),
  correlationId: message.correlationId === undefined ? undefined : parseIfJson(String(message.correlationId)),
  sessionId: message.sessionId,
  applicationProperties: Object.fromEntries(
    Object.entries(message.applicationProperties ?? {}).map(([name, value]) => [firstToLower(name), value]),
  ),
})

const classicContext = (triggerMetadata: Record<string, unknown>): FunctionsContext => ({
  triggerMetadata,
  options: { trigger: { type: 'serviceBusTrigger', name: 'queueTrigger', autoCompleteMessages: false } },
})

/** A trigger for single messages. */
export const classicOne = (message: ServiceBusReceivedMessage): [unknown, FunctionsContext] => [
  bytesOf(message),
  classicContext(metadataOf(message)),
]

/** A trigger with `cardinality: 'many'`. */
export const classicMany = (messages: readonly ServiceBusReceivedMessage[]): [unknown, FunctionsContext] => {
  const all = messages.map(metadataOf)
  const names = Object.keys(all[0] ?? {})
  return [
    messages.map(bytesOf),
    classicContext(Object.fromEntries(names.map((name) => [`${name}Array`, all.map((one) => one[name])]))),
  ]
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The host is no SDK for JavaScript, which would mix up settlements of one tick. */
const oneByOne = () => {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(act)
    last = mine.then(tick, tick)
    return mine
  }
}

/** A trigger with `sdkBinding: true`: `receiver` is what the host holds the messages by. */
export const sdkBinding = (
  messages: readonly ServiceBusReceivedMessage[],
  receiver: ServiceBusReceiver | ServiceBusSessionReceiver,
): [TriggerContext, FunctionsContext] => {
  const originals = new Map(messages.map((message) => [message.lockToken, message]))
  const originalOf = ({ lockToken }: TriggerMessage): ServiceBusReceivedMessage => {
    const original = originals.get(lockToken)
    if (original === undefined) throw new Error('The host knows no such lock.')
    return original
  }
  const next = oneByOne()
  const context: TriggerContext = {
    messages: messages.map(({ delivery: _, ...message }: ServiceBusReceivedMessage & { delivery?: unknown }) => ({
      ...message,
      body: String(bytesOf(message)),
      deliveryCount: (message.deliveryCount ?? 0) + 1,
      enqueuedTimeUtc: undefined,
    })),
    actions: {
      complete: (message) => next(() => receiver.completeMessage(originalOf(message))),
      abandon: (message) => next(() => receiver.abandonMessage(originalOf(message))),
      deadletter: (message, _, deadLetterReason = '', deadLetterErrorDescription = '') =>
        next(() => receiver.deadLetterMessage(originalOf(message), { deadLetterReason, deadLetterErrorDescription })),
      renewMessageLock: (message) =>
        'renewSessionLock' in receiver ? receiver.renewSessionLock() : receiver.renewMessageLock(originalOf(message)),
    },
  }
  return [context, { options: { trigger: { autoCompleteMessages: false } } }]
}
