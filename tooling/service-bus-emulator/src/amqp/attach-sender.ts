import { parseAddress, type QueueAddress } from './address.ts'
import { admit, prepareAnswer, refuseAddress, refuseAttach } from './attach.ts'
import { answerTokens } from './cbs.ts'
import { CONDITION } from './conditions.ts'
import { serveIncoming } from './incoming.ts'
import { answerRequests } from './management.ts'
import type { Peer } from './peer.ts'
import { type AmqpLink, answerAttach } from './rhea.ts'
import type { ServerContext } from './server-context.ts'

const attachToQueue = (context: ServerContext, peer: Peer, link: AmqpLink, address: QueueAddress): void =>
  admit(context, peer, link, {
    address,
    anyOf: ['Send'],
    admitted(queue) {
      if (address.isDeadLetters) {
        const description = 'A dead-letter queue takes no messages.'
        refuseAttach(peer, link, { condition: CONDITION.notAllowed, description })
        return
      }
      peer.forgetLink(link)
      link.local.attach.max_message_size = queue.settings.maxMessageBytes
      serveIncoming(context, peer, link, queue)
      answerAttach(link)
    },
  })

const attachToManagement = (context: ServerContext, peer: Peer, link: AmqpLink, address: QueueAddress): void =>
  admit(context, peer, link, {
    address,
    anyOf: ['Send', 'Listen'],
    admitted(queue) {
      peer.forgetLink(link)
      answerRequests(context, peer, link, { queue, address })
      answerAttach(link)
    },
  })

/** Answers a client that attaches in order to send: messages, requests or tokens. */
export function attachSender(context: ServerContext, peer: Peer, link: AmqpLink): void {
  const address = parseAddress(link.target?.address)
  prepareAnswer(link)
  if (address.kind === 'unknown') refuseAddress(peer, link, link.target?.address)
  else if (address.kind === 'queue') attachToQueue(context, peer, link, address)
  else if (address.kind === 'management') attachToManagement(context, peer, link, address)
  else {
    answerTokens(context, peer, link)
    answerAttach(link)
  }
}
