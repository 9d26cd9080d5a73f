/** What is needed of the queues of fauxqs, which it does not export. */
interface FifoQueue {
  fifoMessages: Map<string, { readonly sequenceNumber: string }[]>
  readonly fifoLockedGroups: Map<string, number>
  processTimers(): void
}
type Dequeue = (this: FifoQueue, maxCount: number, ...rest: readonly unknown[]) => unknown[]
interface Prototype {
  dequeueFifo: Dequeue
}

const PATCHED: unique symbol = Symbol.for('@queue-runtime/sqs-strict/whole-groups')

const prototypeOfQueues = async (): Promise<Prototype & { [PATCHED]?: true }> => {
  const module: { SqsQueue: { prototype: Prototype } } = await import(
    new URL('./sqs/sqsStore.js', import.meta.resolve('fauxqs')).href
  )
  return module.SqsQueue.prototype
}

/** What came back stands where it stood before, whatever the order in which it came back. */
const restoreOrder = (queue: FifoQueue): void => {
  queue.processTimers()
  for (const messages of queue.fifoMessages.values()) {
    messages.sort((one, other) => one.sequenceNumber.localeCompare(other.sequenceNumber))
  }
}

/** Takes one more of a group that was just locked, as if nobody held it. */
const takeNext = (queue: FifoQueue, group: string, dequeue: () => unknown[]): unknown[] => {
  const all = queue.fifoMessages
  const messages = all.get(group)
  if (messages === undefined) return []
  const held = queue.fifoLockedGroups.get(group) ?? 0
  queue.fifoMessages = new Map([[group, messages]])
  queue.fifoLockedGroups.delete(group)
  const taken = dequeue()
  queue.fifoLockedGroups.set(group, held + taken.length)
  queue.fifoMessages = all
  if (messages.length === 0) all.delete(group)
  return taken
}

/**
 * SQS gives as many messages of one group as fit into a receive, in their order; fauxqs gives one, and puts what comes back in
 * the order of its return. Changes the queues of fauxqs in this process.
 *
 * Source: "FIFO queue delivery logic", Amazon SQS Developer Guide.
 */
export async function handOutWholeGroups(): Promise<void> {
  const prototype = await prototypeOfQueues()
  if (prototype[PATCHED] === true) return
  prototype[PATCHED] = true
  const dequeueFew = prototype.dequeueFifo
  prototype.dequeueFifo = function (maxCount, ...rest) {
    restoreOrder(this)
    const heldBefore = new Set(this.fifoLockedGroups.keys())
    const taken = dequeueFew.call(this, maxCount, ...rest)
    const groups = [...this.fifoLockedGroups.keys()].filter((group) => !heldBefore.has(group))
    for (const group of groups) {
      while (taken.length < Math.min(maxCount, 10)) {
        const more = takeNext(this, group, () => dequeueFew.call(this, 1, ...rest))
        if (more.length === 0) break
        taken.push(...more)
      }
    }
    return taken
  }
}
