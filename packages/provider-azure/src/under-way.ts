import { connectionLost, type Place, timedOut } from './errors.ts'
import { fromSdk } from './sdk-errors.ts'

/** How often it is looked whether the connection still stands, in milliseconds. */
const WATCH_MS = 100

/** What of a connection of the SDK is used. */
interface AmqpConnection {
  isOpen(): boolean
}

/** What holds the connection in a client of the SDK and in what it makes. Its types hide it. */
interface Inside {
  readonly _connectionContext?: { readonly connection?: AmqpConnection }
  readonly _context?: { readonly connection?: AmqpConnection }
}

/** The connection that a client of the SDK, or a receiver, is on right now. */
const connectionOf = (made: object | undefined): AmqpConnection | undefined => {
  const { _connectionContext, _context } = (made ?? {}) as Inside
  return (_connectionContext ?? _context)?.connection
}

/** Calls of the SDK, which lets them wait for the answer of a connection that is gone: here each ends by itself. */
export interface UnderWay {
  /**
   * Settles as the call does, or rejects with Timeout, or with ConnectionFailed soon after the connection broke. The call then
   * goes on unheard, and may have been carried out.
   */
  run<T>(place: Place, timeoutMs: number, call: () => Promise<T>): Promise<T>
  /** Ends all of them with ConnectionFailed. */
  fail(): void
}

interface Call {
  readonly fail: (error: Error) => void
  readonly place: Place
  /** What it is made on; undefined while the SDK has not replaced one that broke before. */
  connection: AmqpConnection | undefined
}

/** `made`: what of the SDK the calls are made with. It gets another connection after one broke. */
export function createUnderWay(made: () => object | undefined): UnderWay {
  const calls = new Set<Call>()
  let watching: NodeJS.Timeout | undefined

  const failOne = ({ fail, place }: Call): void => fail(connectionLost(place))

  /** Connections that were open: one that is open no longer is broken. */
  const opened = new WeakSet<AmqpConnection>()

  const isBroken = (connection: AmqpConnection): boolean => opened.has(connection) && !connection.isOpen()

  const connectionNow = (): AmqpConnection | undefined => {
    const now = connectionOf(made())
    if (now?.isOpen() === true) opened.add(now)
    return now
  }

  const look = (): void => {
    const now = connectionNow()
    for (const call of calls) {
      const { connection } = call
      if (connection === undefined) call.connection = now && !isBroken(now) ? now : undefined
      else if (connection !== now || isBroken(connection)) failOne(call)
    }
    if (calls.size > 0) return
    clearInterval(watching)
    watching = undefined
  }

  const add = (call: Call): void => {
    const now = connectionNow()
    if (now !== undefined && !isBroken(now)) call.connection = now
    calls.add(call)
    watching ??= setInterval(look, WATCH_MS).unref()
  }

  return {
    run: (place, timeoutMs, act) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error): void => {
          over()
          reject(error)
        }
        const timer = setTimeout(() => fail(timedOut(place, timeoutMs)), timeoutMs).unref()
        const call: Call = { fail, place, connection: undefined }
        const over = (): void => {
          clearTimeout(timer)
          calls.delete(call)
        }
        add(call)
        act().then(
          (value) => {
            over()
            resolve(value)
          },
          (error: unknown) => fail(fromSdk(error, place)),
        )
      }),
    fail() {
      for (const call of calls) failOne(call)
    },
  }
}
