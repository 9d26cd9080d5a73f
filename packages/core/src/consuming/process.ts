import { abortable, linkSignals } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import type { Delivery } from '../contracts/transport.ts'
import { giveBack, release } from '../receiving/give-back.ts'
import { createHolding } from '../receiving/holding.ts'
import { createTaking, type Sorted, sortVerdicts, type Taken } from '../receiving/taking.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import { createUnsettled } from '../settling/unsettled.ts'
import type { MessageHandler, ProcessOptions } from './handler.ts'
import { createHandling, type Job } from './handling.ts'
import { openLine } from './in-order.ts'

interface Processing {
  readonly deliveries: readonly Delivery[]
  readonly handler: MessageHandler
  readonly options: ProcessOptions
}

/**
 * Takes deliveries that a host pushed through protection and handler to their settlement: those of one session in order, held
 * ones when their outage is over. Rejects with the outage where it lasted longer than their locks were renewed, and with the
 * reason of an abort, after giving back what is unsettled.
 */
export async function processDeliveries(
  client: ClientParts,
  { deliveries, handler, options }: Processing,
): Promise<void> {
  const { queue, judge, reject, watch, metrics, clock, closing, work } = client
  const { concurrency = 1, maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
  const stopping = linkSignals(closing, options.signal)
  const { signal } = stopping
  const unsettled = createUnsettled(clock)
  const taking = createTaking({ queue, watch, unsettled })
  const handling = createHandling(client, { handler, options, stopping: signal })
  const jobs = new Set<Job>()
  let changed = Promise.withResolvers<void>()

  const holding = createHolding({
    ...client,
    taking,
    closing: signal,
    inBackground: (task) => void work.track(task),
    onChange: () => {
      changed.resolve()
      changed = Promise.withResolvers()
    },
  })

  const accept = (taken: Taken): Job => {
    const job = handling.accept(taken)
    jobs.add(job)
    return job
  }

  /** Works through messages session by session, so many at once. */
  const handle = async (messages: readonly Taken[]): Promise<void> => {
    for (const { message } of messages) metrics.received(message.seal !== null)
    const groups = Map.groupBy(messages, ({ message }) => message.sessionId ?? message)
    const next = Array.from(groups, ([key, group]) => ({ key, inOrder: group.map(accept) })).values()
    const worker = async (): Promise<void> => {
      for (const { key, inOrder } of next) {
        const onStay = async (): Promise<void> => (typeof key === 'string' ? holding.letGo(key) : undefined)
        await openLine(inOrder, { onStay }).ended
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, groups.size) }, worker))
  }

  const decide = async (): Promise<Sorted> => {
    const judging = judge(deliveries, signal, renewMs)
    try {
      return sortVerdicts(deliveries, await abortable(judging, signal))
    } catch (error) {
      await giveBack(deliveries, judging, { taking, clock })
      throw error
    }
  }

  const settleAll = async ({ opened, refused, held, overtaking }: Sorted): Promise<void> => {
    for (const one of held) holding.keep(one, renewMs)
    await Promise.all([
      ...refused.map(({ delivery, verdict }) => reject(delivery.message, taking.settlement(delivery), verdict)),
      ...held.map(({ delivery, verdict }) => reject(delivery.message, null, verdict)),
      release(overtaking.map(taking.take)),
      handle(opened.map(taking.take)),
    ])
  }

  const processAll = async (sorted: Sorted): Promise<void> => {
    await settleAll(sorted)
    while (!holding.isEmpty) {
      const { messages, rejected } = holding.collect(Number.POSITIVE_INFINITY)
      if (messages.length + rejected.length === 0) await changed.promise
      await handle(messages)
    }
    if (holding.lapsed !== undefined) throw holding.lapsed
  }

  try {
    await abortable(processAll(await decide()), signal)
  } finally {
    stopping.unlink()
    await holding.stop()
    await Promise.all(Array.from(jobs, (job) => job.release()))
    await unsettled.release()
  }
}
