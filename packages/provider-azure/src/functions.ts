import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import type { Clock, MessageHandler, ProcessOptions, QueueClient } from '@queue-runtime/core'
import { type Delivery, misconfigured } from '@queue-runtime/core/provider'
import { CALL_MS, type Connection } from './connection.ts'
import { createDelivery, type Settler } from './delivery.ts'
import { lockLost, type Place } from './errors.ts'
import {
  type Arrival,
  type FunctionsContext,
  readInvocation,
  type TriggerActions,
  type TriggerMessage,
} from './functions-input.ts'
import { openReceiver } from './links.ts'
import { lockedBy, settlerByToken } from './lock-token.ts'
import type { QueueTarget } from './queue-names.ts'
import { createUnderWay } from './under-way.ts'

/** What a Service Bus trigger of Azure Functions calls. */
export type AzureFunctionsHandler = (input: unknown, context: FunctionsContext) => Promise<void>

interface FunctionsParts {
  readonly queue: string
  readonly target: QueueTarget
  readonly connection: Connection
  readonly clock: Clock
}

/** How a message of an invocation is settled, and its lock renewed. */
interface Settling {
  settle(place: Place, act: (settler: Settler) => Promise<void>): Promise<void>
  /** Resolves with the new end of the lock. */
  renew(place: Place): Promise<Date>
}

/** What is taken for a lock of which nothing is known, in milliseconds: the shortest that a queue can have. */
const UNKNOWN_LOCK_MS = 5_000

/** The host settles, by what it offers to the function. */
function byHost(actions: TriggerActions, message: TriggerMessage, lockMs: number, clock: Clock): Settling {
  const calls = createUnderWay(() => undefined)
  const settler: Settler = {
    async completeMessage() {
      await actions.complete(message)
    },
    async abandonMessage() {
      await actions.abandon(message)
    },
    async deadLetterMessage(_, options) {
      const { deadLetterReason, deadLetterErrorDescription } = options ?? {}
      await actions.deadletter(message, undefined, deadLetterReason, deadLetterErrorDescription)
    },
  }
  return {
    settle: (place, act) => calls.run(place, CALL_MS, () => act(settler)),
    async renew(place) {
      const askedAt = clock.now()
      await calls.run(place, CALL_MS, () => actions.renewMessageLock(message))
      return new Date(askedAt + lockMs)
    },
  }
}

/** A connection of ours settles, by the token of the lock that the host holds. */
function byToken(connection: Connection, path: string, lockToken: string): Settling {
  return {
    settle: (place, act) =>
      connection.call({ ...place, timeoutMs: CALL_MS }, ({ main }) =>
        act(settlerByToken(openReceiver(main, path, false), lockToken)),
      ),
    renew: (place) =>
      connection.call({ ...place, timeoutMs: CALL_MS }, ({ main }) =>
        openReceiver(main, path, false).renewMessageLock(lockedBy(lockToken)),
      ),
  }
}

/** Makes a function for a Service Bus trigger of a client and a handler. */
export function createFunctionsHandler(
  { queue, target, connection, clock }: FunctionsParts,
  client: QueueClient,
  handler: MessageHandler,
  options: ProcessOptions,
): AzureFunctionsHandler {
  const deliver = ({ raw, lockedUntil }: Arrival, settlingFor: (lockMs: number) => Settling): Delivery => {
    const now = clock.now()
    const lock = { until: lockedUntil?.getTime() ?? now + UNKNOWN_LOCK_MS }
    const { settle, renew } = settlingFor(Math.max(lock.until - now, 1_000))
    const delivery = createDelivery(raw as ServiceBusReceivedMessage, {
      ...{ queue, lock, renew },
      origin: { isDeadLetters: false },
      // Of a lock that is not known the broker has to be asked, which refuses tokens of locks that have ended.
      isHeld: () => lockedUntil === undefined || clock.now() < lock.until,
      gone: lockLost,
      settle: (place, _, act) => settle(place, act),
      onEnd() {},
    })
    return {
      ...delivery,
      async abandon(given) {
        // It comes again when its lock ends. In a session it has to be back before the ones behind it.
        const isLeft = given.delayMs > 0 && delivery.message.sessionId === undefined
        if (!isLeft) await delivery.abandon(given)
      },
    }
  }

  return async (input, context) => {
    const { actions, arrivals } = readInvocation(input, context)
    if (actions === undefined && target.sessions) {
      throw misconfigured(
        'sdkBinding',
        'must be true at the trigger of a queue with sessions: only the host can settle.',
      )
    }
    const deliveries = actions
      ? arrivals.map((one) => deliver(one, (lockMs) => byHost(actions, one.message, lockMs, clock)))
      : arrivals.map((one) => deliver(one, () => byToken(connection, target.path, one.lockToken)))
    await client.process(deliveries, handler, options)
  }
}
