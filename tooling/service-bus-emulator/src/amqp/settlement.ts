import type { Properties } from '../store/entry.ts'
import type { Outcome, Queue } from '../store/queue.ts'
import { tokenOfTag } from './lock-token.ts'
import type { Peer } from './peer.ts'
import { ACCEPTED, type AmqpDelivery, type AmqpLink, deliveryOf, rejectedWith, settleDelivery } from './rhea.ts'
import type { ServerContext } from './server-context.ts'
import { type AmqpMap, mapOf } from './values.ts'

interface Settlement {
  readonly outcome: Outcome
  readonly properties: Properties
}

/** What the state that a client gives to a delivery means to Service Bus. */
const MEANING: Readonly<Record<string, (state: AmqpMap) => Settlement>> = {
  accepted: () => ({ outcome: 'complete', properties: {} }),
  released: () => ({ outcome: 'abandon', properties: {} }),
  modified: ({ undeliverable_here: isDeferred, message_annotations: properties }) => ({
    outcome: isDeferred === true ? 'defer' : 'abandon',
    properties: mapOf(properties),
  }),
  rejected: ({ error }) => ({ outcome: 'deadLetter', properties: mapOf(mapOf(error).info) }),
}

/** Settles what was delivered on a link as its client asks. */
export function serveSettlements(
  { faults }: ServerContext,
  peer: Peer,
  link: AmqpLink,
  { queue, path }: { readonly queue: Queue; readonly path: string },
): void {
  const settle = (delivery: AmqpDelivery, { outcome, properties }: Settlement): void =>
    faults.run(
      { point: 'settle', queue: path, operation: outcome },
      {
        act: () => queue.settle(tokenOfTag(delivery.tag), outcome, properties),
        answer: () => settleDelivery(delivery, ACCEPTED),
        refuse: (failure) => settleDelivery(delivery, rejectedWith(failure)),
        drop: peer.drop,
      },
    )

  for (const [event, meaning] of Object.entries(MEANING)) {
    link.on(event, (context) => {
      const delivery = deliveryOf(context)
      settle(delivery, meaning(mapOf(delivery.remote_state)))
    })
  }
}
