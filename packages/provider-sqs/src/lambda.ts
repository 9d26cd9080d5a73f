import type { Clock, MessageHandler, ProcessOptions, QueueClient } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { Bury } from './delivery.ts'
import { lockLost, outOfTime } from './errors.ts'
import { toIncoming } from './incoming.ts'
import { type LambdaContext, rawRecord, type SqsBatchResponse, type SqsEvent, type SqsRecord } from './lambda-event.ts'

/** What an event source mapping of Lambda calls. */
export type SqsLambdaHandler = (event: SqsEvent, context?: LambdaContext) => Promise<SqsBatchResponse>

interface LambdaParts {
  readonly queue: string
  readonly bury: Bury
  readonly clock: Clock
  /** How long an invocation may take that tells nothing of its time, in milliseconds. */
  readonly defaultMs: number
}

type Outcome = 'done' | 'buried' | 'failed'

/** Lambda ends a function without a word: what is done must have been reported before, in milliseconds. */
const REPORT_MS = 1_000

/** A delivery whose settlement is only noted: Lambda itself deletes what it is not told to keep. */
function createRecordDelivery(
  record: SqsRecord,
  end: number,
  { queue, bury, clock }: LambdaParts,
): { readonly delivery: Delivery; readonly outcome: () => Outcome } {
  const raw = rawRecord(record)
  const isFifo = record.eventSourceARN?.endsWith('.fifo') ?? false
  const message = toIncoming(raw, { isFifo, isDeadLetters: false }, { until: end })
  let outcome: Outcome | undefined

  const assertHeld = (operation: string): void => {
    const isHeld = outcome === undefined && clock.now() < end
    if (!isHeld) throw lockLost({ queue, operation, messageId: message.messageId })
  }

  return {
    outcome: () => outcome ?? 'failed',
    delivery: {
      message,
      async complete() {
        assertHeld('complete')
        outcome = 'done'
      },
      async abandon() {
        assertHeld('abandon')
        outcome = 'failed'
      },
      async deadLetter(reason) {
        assertHeld('deadLetter')
        await bury(raw, reason)
        outcome = 'buried'
      },
      async renewLock() {
        assertHeld('renewLock')
        return new Date(end)
      },
    },
  }
}

/** Names what Lambda is to keep: what failed, and what would overtake it in its group. What was buried lies elsewhere already. */
function failuresOf(records: readonly { readonly record: SqsRecord; readonly outcome: () => Outcome }[]): string[] {
  const stopped = new Set<string>()
  const failures: string[] = []
  for (const { record, outcome } of records) {
    const { MessageGroupId: group } = record.attributes
    const isFifo = record.eventSourceARN?.endsWith('.fifo') ?? false
    const isBehind = isFifo && group !== undefined && stopped.has(group) && outcome() !== 'buried'
    if (outcome() !== 'failed' && !isBehind) continue
    failures.push(record.messageId)
    if (group !== undefined) stopped.add(group)
  }
  return failures
}

/** Makes a function for Lambda of a client and a handler. */
export const createLambdaHandler =
  (parts: LambdaParts, client: QueueClient, handler: MessageHandler, options: ProcessOptions): SqsLambdaHandler =>
  async ({ Records }, context) => {
    const { queue, clock, defaultMs } = parts
    const leftMs = context?.getRemainingTimeInMillis() ?? defaultMs
    const workMs = leftMs - Math.min(REPORT_MS, leftMs / 2)
    const records = Records.map((record) => ({
      record,
      ...createRecordDelivery(record, clock.now() + leftMs, parts),
    }))
    const ended = new AbortController()
    const stop = new AbortController()
    const abort = (): void => stop.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', abort, { once: true })
    clock.sleep(workMs, ended.signal).then(
      () => stop.abort(outOfTime(queue, workMs)),
      () => {},
    )
    const deliveries = records.map(({ delivery }) => delivery)
    const failed = await client.process(deliveries, handler, { ...options, signal: stop.signal }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    ended.abort()
    options.signal?.removeEventListener('abort', abort)
    const failures = failuresOf(records)
    // What is done stays done; where nothing is, the error tells more than a list of all.
    if (failed !== undefined && failures.length === records.length) throw failed.error
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) }
  }
