import type { QueueError } from '@queue-runtime/core'
import type { QueueTransport, WireMessage } from '@queue-runtime/core/provider'
import { CALL_MS, type Connection } from './connection.ts'
import { tooLarge } from './errors.ts'
import { type Outgoing, toMessage } from './outgoing.ts'
import { type Lot, pack } from './packing.ts'

interface Item {
  readonly message: WireMessage
  readonly outgoing: Outgoing
  /** What became of it; undefined: nothing yet. */
  error: QueueError | null | undefined
}

interface SendingParts {
  readonly queue: string
  readonly path: string
  readonly connection: Connection
}

/** Requirements, section 0: how long a new connection may take, in milliseconds. */
const CONNECT_MS = 30_000

/** Transfers of one send that are under way at once. */
const MAX_PARALLEL = 16

const operation = 'send'

const sessionOf = ({ items }: Lot<Item>): string | undefined => items[0]?.message.sessionId

/** Works through rows, so many at once. */
const inParallel = async <T>(rows: readonly T[], width: number, work: (row: T) => Promise<void>): Promise<void> => {
  const next = rows.values()
  const worker = async (): Promise<void> => {
    for (const row of next) await work(row)
  }
  await Promise.all(Array.from({ length: Math.min(width, rows.length) }, worker))
}

/** Makes the `send` of a transport: encodes, splits and checks all, sends, and tells what became of each. */
export function createSending({ queue, path, connection }: SendingParts): QueueTransport['send'] {
  const refuse = ({ message: { messageId } }: Item, size: number, maxSize: number): QueueError =>
    tooLarge({ queue, operation, messageId }, size, maxSize)

  /** A lot whose transfer fails stands for itself: others may have been sent. */
  const trySend = async (lot: Lot<Item>, signal: AbortSignal): Promise<QueueError | null> => {
    const limits = { queue, operation, timeoutMs: CALL_MS, signal }
    const outcome = await connection
      .transfer(path, limits, (sender, options) => sender.sendMessages(lot.content, options))
      .then(
        () => null,
        (error: QueueError) => error,
      )
    signal.throwIfAborted()
    for (const item of lot.items) item.error = outcome
    return outcome
  }

  /** One after the other: behind a message that was not sent nothing of its session is, or the order would be lost. */
  const sendInOrder = async (lots: readonly Lot<Item>[], signal: AbortSignal): Promise<void> => {
    let failed: QueueError | null = null
    for (const lot of lots) {
      if (failed === null) failed = await trySend(lot, signal)
      else for (const item of lot.items) item.error = failed
    }
  }

  /** The lots of each session in a row; those without a session each for itself. */
  const rowsOf = (lots: readonly Lot<Item>[]): Lot<Item>[][] => {
    const rows = Map.groupBy(lots, (lot) => sessionOf(lot) ?? lot)
    return [...rows.values()]
  }

  return async (messages, { signal }) => {
    signal.throwIfAborted()
    const items = messages.map((message): Item => ({ message, outgoing: toMessage(message), error: undefined }))
    if (items.length === 0) return []
    // Not before there is room: of thousands at once each has its time from there on.
    const limits = { queue, operation, timeoutMs: CONNECT_MS, signal }
    const lots = await connection.transfer(path, limits, (sender, options) => pack(sender, items, refuse, options))
    await inParallel(rowsOf(lots), MAX_PARALLEL, (row) => sendInOrder(row, signal))
    const errors = items.map(({ error = null }) => error)
    const [first] = errors
    // What concerns the queue, and not some of the messages, is thrown.
    if (first && errors.every((error) => error?.code === first.code)) throw first
    return errors.map((error) => ({ error }))
  }
}
