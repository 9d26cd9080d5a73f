import type { Queue } from '../store/queue.ts'
import { CONDITION } from './conditions.ts'
import { contentsOf } from './content.ts'
import type { Peer } from './peer.ts'
import { ACCEPTED, type AmqpLink, bytesOf, deliveryOf, rejectedWith, settleDelivery } from './rhea.ts'
import type { ServerContext } from './server-context.ts'

/** Takes in what a client sends to a queue. */
export function serveIncoming({ faults }: ServerContext, peer: Peer, link: AmqpLink, queue: Queue): void {
  const { maxMessageBytes } = queue.settings

  link.on('message', (context) => {
    const delivery = deliveryOf(context)
    const transfer = bytesOf(context)
    if (transfer.length > maxMessageBytes) {
      const description = `The received message (${transfer.length} bytes) exceeds the limit (${maxMessageBytes} bytes).`
      link.close({ condition: CONDITION.messageTooLarge, description })
      return
    }
    faults.run(
      { point: 'send', queue: queue.name },
      {
        act: () => queue.send(contentsOf(transfer, delivery.format)),
        answer: () => settleDelivery(delivery, ACCEPTED),
        refuse: (failure) => settleDelivery(delivery, rejectedWith(failure)),
        drop: peer.drop,
      },
    )
  })
}
