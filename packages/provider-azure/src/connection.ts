import { ServiceBusClient, type ServiceBusClientOptions, type ServiceBusSender } from '@azure/service-bus'
import { abortable } from '@queue-runtime/core/provider'
import { withinReason } from './credential.ts'
import type { Place } from './errors.ts'
import { MAX_TRANSFERS } from './limits.ts'
import type { AzureSettings } from './options.ts'
import { checkSdk } from './sdk-version.ts'
import { createSlots, type Slots } from './slots.ts'
import { createUnderWay } from './under-way.ts'
import { warnOfSetting } from './warnings.ts'

/** Requirements, section 0: how long a send, and what is as short, may take, in milliseconds. */
export const CALL_MS = 10_000

/** How long Service Bus looks for a session that is free, at each attempt, in milliseconds. */
export const ACCEPT_MS = 2_000

/** After its connection broke the SDK may never finish to close, in milliseconds. */
const CLOSE_MS = 2_000

/** Of one call: where it belongs, and how long it may take. */
interface CallLimits extends Place {
  readonly timeoutMs: number
  /** Ends the call; it may have been carried out. */
  readonly signal?: AbortSignal | undefined
}

/** The clients of the SDK; each is one AMQP connection, made at the first link. */
interface Clients {
  readonly main: ServiceBusClient
  /** Accepts sessions, since the wait for them is a setting of a whole client. */
  readonly sessions: ServiceBusClient
  /** The one sender of a queue. */
  sender(path: string): ServiceBusSender
}

/** Makes one call with the clients of the SDK. */
type Act<T> = (clients: Clients, options: { abortSignal: AbortSignal }) => Promise<T>

type SenderAct<T> = (sender: ServiceBusSender, options: { abortSignal: AbortSignal }) => Promise<T>

export interface Connection {
  /** Rejects with our errors, and with `signal.reason` on an abort. The call itself may go on unheard. */
  call<T>(limits: CallLimits, act: Act<T>): Promise<T>
  /** The same with the one sender of a queue, once there is room on its link. */
  transfer<T>(path: string, limits: CallLimits & { readonly signal: AbortSignal }, act: SenderAct<T>): Promise<T>
  /** Returns the clients: what is made of them belongs to whoever makes it. @throws Configuration: the SDK is too old */
  clients(): Clients
  /** Keeps the connection for a transport. What this returns lets go of it, and resolves when that is done. */
  hold(): () => Promise<void>
}

interface OpenClients extends Clients {
  close(): Promise<void>
}

/** Core tries again, with the same message ids and within one limit of time. */
const withTimeout = (timeoutInMs: number): ServiceBusClientOptions => ({ retryOptions: { maxRetries: 0, timeoutInMs } })

const build = ({ access }: AzureSettings, timeoutMs: number): ServiceBusClient => {
  if ('connectionString' in access) return new ServiceBusClient(access.connectionString, withTimeout(timeoutMs))
  if ('namespace' in access) {
    return new ServiceBusClient(access.namespace, withinReason(access.credential), withTimeout(timeoutMs))
  }
  return access.client
}

/** Never rejects, and never hangs. */
const closeAll = async (closing: readonly { close(): Promise<unknown> }[]): Promise<void> => {
  const all = Promise.allSettled(closing.map((one) => one.close()))
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS)
  })
  await Promise.race([all, enough])
  clearTimeout(timer)
}

const open = (settings: AzureSettings): OpenClients => {
  const { access } = settings
  const isGiven = 'client' in access
  const main = isGiven ? access.client : build(settings, CALL_MS)
  const sessions = isGiven ? access.sessionClient : build(settings, ACCEPT_MS)
  for (const client of [main, sessions]) checkSdk(client)
  const senders = new Map<string, ServiceBusSender>()
  return {
    main,
    sessions,
    sender(path) {
      const sender = senders.get(path) ?? main.createSender(path)
      senders.set(path, sender)
      return sender
    },
    close: () => closeAll(isGiven ? [...senders.values()] : [main, sessions]),
  }
}

export function createConnection(settings: AzureSettings): Connection {
  const holders = new Set<symbol>()
  const rooms = new Map<string, Slots>()
  let current: OpenClients | undefined
  let isWarned = false
  const calls = createUnderWay(() => current?.main)

  const clients = (): Clients => {
    current ??= open(settings)
    if (!isWarned) warnOfSetting(settings)
    isWarned = true
    return current
  }

  const call: Connection['call'] = async ({ timeoutMs, signal, ...place }, act) => {
    signal?.throwIfAborted()
    const stop = new AbortController()
    const abort = (): void => stop.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const calling = calls.run(place, timeoutMs, async () => act(clients(), { abortSignal: stop.signal }))
      return await abortable(calling, stop.signal)
    } catch (error) {
      // The SDK would go on to wait, and to try again.
      stop.abort(error)
      throw stop.signal.reason
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return {
    call,
    clients,
    transfer(path, limits, act) {
      const room = rooms.get(path) ?? createSlots(MAX_TRANSFERS)
      rooms.set(path, room)
      return room.run(limits.signal, () => call(limits, ({ sender }, options) => act(sender(path), options)))
    },
    hold() {
      const self = Symbol('transport')
      holders.add(self)
      return async () => {
        if (!holders.delete(self) || holders.size > 0) return
        const closing = current
        current = undefined
        await closing?.close()
      }
    },
  }
}
