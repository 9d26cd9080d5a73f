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
import { runInOrder } from './in-order.ts'

/** Works through groups in order, so many at once. */
const runGroups = async (groups: readonly (readonly Job[])[], concurrency: number): Promise<void> => {
  const next = groups.values()
  const worker = async (): Promise<void> => {
    for (const jobs of next) await runInOrder(jobs)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, groups.length) }, worker))
}

/**
 * Takes deliveries that a host pushed through protection and handler to their settlement: those of one session in order, held
 * ones when their outage is over. Rejects with the outage where it lasted longer than their locks were renewed, and with the
 * reason of an abort, after giving back what is unsettled.
 */
export async function processDeliveries(
  client: ClientParts,
  {
    deliveries,
    handler,
    options,
  }: { deliveries: readonly Delivery[]; handler: MessageHandler; options: ProcessOptions },
): Promise<void> {
  const { queue, judge, reject, watch, metrics, gate, clock, closing, work } = client
  const unsettled = createUnsettled(clock)
  const taking = createTaking({ queue, watch, unsettled })
  const { concurrency = 1, maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
  const stopping = linkSignals(closing, options.signal)
  const { signal } = stopping
  const handling = createHandling(client, { handler, options, stopping: signal })
  const inHand = new Set<Job>()
  let changed = Promise.withResolvers<void>()

  const run = async (messages: readonly Taken[]): Promise<void> => {
    for (const { message } of messages) metrics.received(message.seal !== null)
    const groups = Map.groupBy(messages, ({ message }) => message.sessionId ?? message)
    const jobs = Array.from(groups.values(), (group) => group.map((taken) => handling.accept(taken)))
    for (const job of jobs.flat()) inHand.add(job)
    await runGroups(jobs, concurrency)
  }

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

  const decide = async (): Promise<Sorted> => {
    const judging = judge(deliveries, signal)
    try {
      return sortVerdicts(deliveries, await abortable(judging, signal))
    } catch (error) {
      await giveBack(deliveries, judging, { taking, clock })
      throw error
    }
  }

  const settleAll = async ({ opened, refused, held, overtaking }: Sorted): Promise<void> => {
    for (const one of held) holding.keep(one, renewMs)
    if (held[0] !== undefined) gate.trip(held[0].verdict.error)
    await Promise.all([
      ...refused.map(({ delivery, verdict }) => reject(delivery.message, taking.settlement(delivery), verdict)),
      ...held.map(({ delivery, verdict }) => reject(delivery.message, null, verdict)),
      release(overtaking.map(taking.take)),
      run(opened.map(taking.take)),
    ])
  }

  /** Resolves with how many could not be decided while they could be held. */
  const waitOut = async (heldCount: number): Promise<number> => {
    let undecided = heldCount
    while (!holding.isEmpty) {
      const { messages, rejected } = holding.collect(Number.POSITIVE_INFINITY)
      undecided -= messages.length + rejected.length
      if (messages.length + rejected.length === 0) await changed.promise
      await run(messages)
    }
    return undecided - holding.collect(0).rejected.length
  }

  const processAll = async (sorted: Sorted): Promise<void> => {
    await settleAll(sorted)
    const undecided = await waitOut(sorted.held.length)
    if (undecided > 0) throw sorted.held[0]?.verdict.error
  }

  try {
    signal.throwIfAborted()
    await abortable(processAll(await decide()), signal)
  } finally {
    stopping.unlink()
    holding.stop()
    await Promise.all(Array.from(inHand, (job) => job.release()))
    await unsettled.release()
  }
}
