import type { ServiceBusClient, ServiceBusReceiver, ServiceBusSessionReceiver } from '@azure/service-bus'

/**
 * As every receiver is opened: bodies stay bytes, where the SDK would parse what looks like JSON; and locks are renewed by core,
 * where the SDK would go by message ids, which need not be unique. The SDK takes fields out of what it is given: new each time.
 */
const receiving = () =>
  ({
    receiveMode: 'peekLock',
    skipParsingBodyAsJson: true,
    skipConvertingDate: true,
    maxAutoLockRenewalDurationInMs: 0,
  }) as const

/** Makes a receiver of a queue, or of its dead letters. It connects at its first call. */
export const openReceiver = (client: ServiceBusClient, path: string, isDeadLetters: boolean): ServiceBusReceiver =>
  client.createReceiver(path, { ...receiving(), ...(isDeadLetters && { subQueueType: 'deadLetter' }) })

/** Takes the lock of a session, of the next one with messages where none is named. */
export const takeSession = (
  client: ServiceBusClient,
  path: string,
  sessionId: string | undefined,
): Promise<ServiceBusSessionReceiver> =>
  sessionId === undefined
    ? client.acceptNextSession(path, receiving())
    : client.acceptSession(path, sessionId, receiving())
