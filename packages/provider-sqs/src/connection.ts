import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { abortable } from '@queue-runtime/core/provider'
import { type Place, timedOut } from './errors.ts'
import type { SqsSettings } from './options.ts'
import { fromSdk } from './sdk-errors.ts'
import { checkSdk } from './sdk-version.ts'

/** Requirements, section 0: how long a new connection may take, in milliseconds. */
const CONNECT_MS = 30_000

/** Of one call: where it belongs, and how long it may take. */
export interface CallLimits extends Place {
  readonly timeoutMs: number
  /** Ends the call; it may have been carried out. */
  readonly signal?: AbortSignal | undefined
  /** A long poll has sockets of its own, so that it never stands in the way of a send. */
  readonly isPoll?: boolean
}

/** Makes one call with a client of the SDK. */
export type Act<T> = (client: SQSClient, options: { abortSignal: AbortSignal }) => Promise<T>

/** The clients of the SDK, made at the first call. */
export interface Connection {
  /** Rejects with our errors, and with `signal.reason` on an abort. */
  call<T>(limits: CallLimits, act: Act<T>): Promise<T>
  /** Keeps the connection for a transport; the last one lets it go. */
  hold(): Hold
}

interface Hold {
  /** Nobody waits for what is under way any more: a process that has nothing else to do may end. */
  leave(): void
  /** Nothing is under way any more. */
  release(): void
}

interface Clients {
  readonly sending: SQSClient
  readonly polling: SQSClient
  unref(): void
  destroy(): void
}

const agents = (maxSockets: number): { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent } => ({
  httpAgent: new HttpAgent({ keepAlive: true, maxSockets }),
  httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets, minVersion: 'TLSv1.2' }),
})

const unrefAll = ({ httpAgent, httpsAgent }: ReturnType<typeof agents>): void => {
  const sockets = [httpAgent, httpsAgent].flatMap((agent) => Object.values(agent.sockets).flatMap((some) => some ?? []))
  for (const socket of sockets) socket.unref()
}

const build = ({ region, endpoint, credentials, maxSockets }: SqsSettings): Clients => {
  const own: SQSClientConfig = {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
    // Core tries again, with the same message ids and within one limit of time.
    maxAttempts: 1,
    // The tag tells more than MD5, which is not there in FIPS mode; and one mismatch would throw away all that was received.
    md5: false,
  }
  const [sendingAgents, pollingAgents] = [agents(maxSockets), agents(Number.POSITIVE_INFINITY)]
  const client = (some: ReturnType<typeof agents>): SQSClient =>
    new SQSClient({
      ...own,
      requestHandler: {
        ...some,
        connectionTimeout: CONNECT_MS,
        // Calls are timed here; timers of the SDK would keep the process alive after the last close.
        socketTimeout: 0,
        socketAcquisitionWarningTimeout: 1_000,
      },
    })
  const [sending, polling] = [client(sendingAgents), client(pollingAgents)]
  return {
    sending,
    polling,
    unref: () => unrefAll(pollingAgents),
    destroy() {
      sending.destroy()
      polling.destroy()
    },
  }
}

const given = (sending: SQSClient, polling: SQSClient): Clients => ({
  sending,
  polling,
  unref() {},
  destroy() {},
})

export function createConnection(settings: SqsSettings): Connection {
  const { client, receiveClient = client } = settings
  let clients: Clients | undefined
  const present = new Set<symbol>()
  const holders = new Set<symbol>()

  let checked: Promise<unknown> | undefined

  const connect = async (): Promise<Clients> => {
    clients ??= client !== undefined && receiveClient !== undefined ? given(client, receiveClient) : build(settings)
    const connected = clients
    checked ??= Promise.all([checkSdk(connected.sending), checkSdk(connected.polling)])
    await checked
    return connected
  }

  return {
    async call({ timeoutMs, signal, isPoll = false, ...place }, act) {
      signal?.throwIfAborted()
      const { sending, polling } = await connect()
      const stop = new AbortController()
      const abort = (): void => stop.abort(signal?.reason)
      const timer = setTimeout(() => stop.abort(timedOut(place, timeoutMs)), timeoutMs).unref()
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await abortable(act(isPoll ? polling : sending, { abortSignal: stop.signal }), stop.signal)
      } catch (error) {
        if (stop.signal.aborted) throw stop.signal.reason
        throw fromSdk(error, place)
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
    },
    hold() {
      const self = Symbol('transport')
      present.add(self)
      holders.add(self)
      return {
        leave() {
          present.delete(self)
          if (present.size === 0) clients?.unref()
        },
        release() {
          if (!holders.delete(self) || holders.size > 0) return
          clients?.destroy()
          clients = undefined
        },
      }
    },
  }
}
