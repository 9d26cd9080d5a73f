import type { Queue } from '../store/queue.ts'
import type { QueueAddress } from './address.ts'
import { nodeOf } from './attach.ts'
import { AmqpRefusal, CONDITION, statusOf } from './conditions.ts'
import { OPERATIONS, rightFor } from './operations.ts'
import type { Peer } from './peer.ts'
import { readRequest } from './reply.ts'
import { ACCEPTED, type AmqpLink, bytesOf, deliveryOf, settleDelivery } from './rhea.ts'
import type { ServerContext } from './server-context.ts'
import { mapOf, textOf } from './values.ts'

export interface ManagementNode {
  readonly queue: Queue
  readonly address: QueueAddress
}

/** Answers the requests that a client sends to the management node of a queue or of its dead letters. */
export function answerRequests({ faults }: ServerContext, peer: Peer, link: AmqpLink, node: ManagementNode): void {
  const { queue, address } = node
  const source = address.isDeadLetters ? queue.deadLetters : queue.messages

  link.on('message', (context) => {
    settleDelivery(deliveryOf(context), ACCEPTED)
    const { properties, body, reply } = readRequest(peer, bytesOf(context))
    const name = (textOf(properties.operation) ?? '').replace(/^com\.microsoft:/, '')
    faults.run(
      { point: 'management', queue: address.path, operation: name },
      {
        act() {
          const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
          if (operation === undefined) throw new AmqpRefusal(CONDITION.notImplemented, `There is no operation ${name}.`)
          peer.checkRight(nodeOf(address), [rightFor(name)])
          const linkName = textOf(properties['associated-link-name'])
          return operation({ queue, source, body: mapOf(body), linkName })
        },
        answer: (result) =>
          result === undefined
            ? reply({ statusCode: 204, statusDescription: 'NoContent' })
            : reply({ statusCode: 200, statusDescription: 'OK' }, result),
        refuse: ({ condition, description }) =>
          reply({ statusCode: statusOf(condition), statusDescription: description, errorCondition: condition }),
        drop: peer.drop,
      },
    )
  })
}
