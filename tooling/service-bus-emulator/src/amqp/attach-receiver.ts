import type { Queue } from '../store/queue.ts'
import { parseAddress, type QueueAddress } from './address.ts'
import { admit, prepareAnswer, refuseAddress, refuseAttach } from './attach.ts'
import { CONDITION } from './conditions.ts'
import { serveOutgoing } from './outgoing.ts'
import type { Peer } from './peer.ts'
import { type AmqpFailure, type AmqpLink, answerAttach } from './rhea.ts'
import type { ServerContext } from './server-context.ts'
import { announceSession, lockSession, wantedSession } from './sessions.ts'

const mismatch = (requiresSession: boolean): AmqpFailure => ({
  condition: CONDITION.notAllowed,
  description: requiresSession
    ? 'InvalidOperationError: It is not possible for an entity that requires sessions to create a non-sessionful message receiver.'
    : 'InvalidOperationError: A sessionful message receiver cannot be created on an entity that does not require sessions.',
})

/** Attaches to a session, when there is one. */
function attachToSession(
  context: ServerContext,
  peer: Peer,
  link: AmqpLink,
  {
    address,
    queue,
    sessionId,
  }: { readonly address: QueueAddress; readonly queue: Queue; readonly sessionId: string | null },
): void {
  let stopWaiting = (): void => {}
  peer.onEnd(link, () => {
    stopWaiting()
    answerAttach(link)
  })
  stopWaiting = lockSession(queue, link, context.clock.now(), {
    sessionId,
    granted(hold) {
      announceSession(link, address.path, hold)
      serveOutgoing(context, peer, link, { queue, address, hold })
      answerAttach(link)
    },
    refused: (failure) => refuseAttach(peer, link, failure),
    lost(failure) {
      peer.endLink(link, 'closed')
      link.close(failure)
    },
  })
}

function attachToQueue(context: ServerContext, peer: Peer, link: AmqpLink, address: QueueAddress, queue: Queue): void {
  const { requiresSession } = address.isDeadLetters ? queue.deadLetters : queue.messages
  const wanted = wantedSession(link)
  if (requiresSession !== (wanted !== undefined)) refuseAttach(peer, link, mismatch(requiresSession))
  else if (wanted !== undefined) attachToSession(context, peer, link, { address, queue, ...wanted })
  else {
    serveOutgoing(context, peer, link, { queue, address, hold: undefined })
    answerAttach(link)
  }
}

/** Lets replies be sent over a link, to the names under which requests ask for them. */
function openForReplies(peer: Peer, link: AmqpLink): void {
  const names = [link.name, link.target?.address].filter((name) => typeof name === 'string')
  for (const name of names) peer.replyLinks.set(name, link)
  peer.onEnd(link, () => {
    for (const name of names) peer.replyLinks.delete(name)
  })
  answerAttach(link)
}

/** Answers a client that attaches in order to receive: messages, or replies. */
export function attachReceiver(context: ServerContext, peer: Peer, link: AmqpLink): void {
  const address = parseAddress(link.source?.address)
  prepareAnswer(link)
  if (address.kind === 'unknown') refuseAddress(peer, link, link.source?.address)
  else if (address.kind === 'cbs') openForReplies(peer, link)
  else if (address.kind === 'management') {
    const admitted = (): void => openForReplies(peer, link)
    admit(context, peer, link, { address, anyOf: ['Send', 'Listen'], admitted })
  } else {
    const admitted = (queue: Queue): void => attachToQueue(context, peer, link, address, queue)
    admit(context, peer, link, { address, anyOf: ['Listen'], admitted })
  }
}
