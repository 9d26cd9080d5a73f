import { statusOf } from './conditions.ts'
import type { Peer } from './peer.ts'
import { readRequest } from './reply.ts'
import { ACCEPTED, type AmqpLink, bytesOf, deliveryOf, settleDelivery } from './rhea.ts'
import type { ServerContext } from './server-context.ts'
import { textOf } from './values.ts'

/** The path in an audience: `sb://host/orders` is about `orders`. */
const pathOf = (audience: string): string => audience.replace(/^[a-z]+:\/\/[^/]*\/?/i, '').replace(/\/+$/, '')

/** Takes the tokens of a client and notes what they allow. */
export function answerTokens({ faults, access }: ServerContext, peer: Peer, link: AmqpLink): void {
  link.on('message', (context) => {
    settleDelivery(deliveryOf(context), ACCEPTED)
    const { properties, body, reply } = readRequest(peer, bytesOf(context))
    const audience = textOf(properties.name) ?? ''
    faults.run(
      { point: 'cbs', queue: pathOf(audience), operation: textOf(properties.operation) ?? '' },
      {
        act() {
          const rights = access.check(textOf(properties.type) ?? '', textOf(body) ?? '', audience)
          if (rights !== null) peer.grant(pathOf(audience), rights)
          return rights !== null
        },
        answer: (isGood) =>
          isGood
            ? reply({ 'status-code': 202, 'status-description': 'Accepted' })
            : reply({ 'status-code': 401, 'status-description': 'The token is invalid or has expired.' }),
        refuse: ({ condition, description }) =>
          reply({
            'status-code': statusOf(condition),
            'status-description': description,
            'error-condition': condition,
          }),
        drop: peer.drop,
      },
    )
  })
}
