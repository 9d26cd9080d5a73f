import { createHash } from 'node:crypto'
import type { Delivery } from '../demo/deliveries.ts'
import type { Observer } from '../demo/observer.ts'
import { QUEUES, type QueueName } from '../github/routes.ts'

/** What must still happen to a delivery. */
interface Due {
  readonly queue: QueueName
  readonly digest: string
}

/** What became of the deliveries that were posted for a bot. */
interface Tally {
  readonly posted: number
  readonly read: number
  /** Read once more: at least once is what is promised. */
  readonly readAgain: number
  /** Read by another bot, or with other bytes than were posted. */
  readonly wrong: number
  /** That the attacker took or destroyed: a broker can. */
  readonly taken: number
}

/** Keeps the books of a house that never ends: what is due is kept, what has come is only counted. */
export interface Books extends Pick<Required<Observer>, 'read'> {
  readonly tally: Tally
  post(deliveryId: string, delivery: Delivery, queue: QueueName): void
  /** An attacker took or altered it: it is not expected any more. */
  take(deliveryId: string): void
  /** Whatever becomes of this copy is the attacker's doing; that it reaches the right bot still counts. */
  attacked(copy: { readonly key: string }): void
  /** Ids of what no bot has read yet. */
  due(queue?: QueueName): string[]
}

/** Read ones that are still known, to tell a second reading from a stranger; and copies of an attacker. */
const REMEMBERED = 5_000

const digestOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64')

export function createBooks(): Books {
  const dues = new Map<string, Due>()
  const settled = new Map<string, Due>()
  const attacked = new Set<string>()
  const tally = { posted: 0, read: 0, readAgain: 0, wrong: 0, taken: 0 }

  const settle = (deliveryId: string, due: Due): void => {
    dues.delete(deliveryId)
    settled.set(deliveryId, due)
    const [oldest] = settled.keys()
    if (settled.size > REMEMBERED && oldest !== undefined) settled.delete(oldest)
  }

  return {
    get tally() {
      return { ...tally }
    },
    post(deliveryId, { body }, queue) {
      tally.posted += 1
      dues.set(deliveryId, { queue, digest: digestOf(body) })
    },
    take(deliveryId) {
      const due = dues.get(deliveryId)
      if (due === undefined) return
      tally.taken += 1
      settle(deliveryId, due)
    },
    attacked({ key }) {
      attacked.add(key)
      const [oldest] = attacked
      if (attacked.size > REMEMBERED && oldest !== undefined) attacked.delete(oldest)
    },
    read({ queue, key }, { messageId }, bytes) {
      const due = dues.get(messageId)
      const known = due ?? settled.get(messageId)
      if (known === undefined) return
      if (known.queue !== queue || known.digest !== digestOf(bytes)) {
        if (!attacked.has(key)) tally.wrong += 1
        return
      }
      if (due === undefined) {
        tally.readAgain += 1
        return
      }
      tally.read += 1
      settle(messageId, due)
    },
    due: (queue) => [...dues].filter(([, due]) => queue === undefined || due.queue === queue).map(([id]) => id),
  }
}

/** Real deliveries, one queue after the other, for ever. */
export function* inTurn(
  deliveries: readonly (readonly [QueueName, Delivery])[],
): Generator<readonly [QueueName, Delivery], never> {
  const shares = QUEUES.map((queue) => deliveries.filter(([own]) => own === queue)).filter(({ length }) => length > 0)
  if (shares.length === 0) throw new Error('There is no delivery for any bot.')
  for (let round = 0; ; round += 1) {
    for (const share of shares) {
      const one = share[round % share.length]
      if (one !== undefined) yield one
    }
  }
}
