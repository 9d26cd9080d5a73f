import type { Right } from '../access.ts'
import type { Queue } from '../store/queue.ts'
import type { QueueAddress } from './address.ts'
import { CONDITION } from './conditions.ts'
import type { Peer } from './peer.ts'
import { type AmqpFailure, type AmqpLink, answerAttach, holdAttach } from './rhea.ts'
import type { ServerContext } from './server-context.ts'

/** Makes the answer to an attach mirror what was asked for, and keeps it back until `answerAttach`. */
export function prepareAnswer(link: AmqpLink): void {
  const { attach } = link.local
  // A client takes its receive mode from the modes in the answer.
  attach.snd_settle_mode = link.snd_settle_mode
  attach.rcv_settle_mode = link.rcv_settle_mode
  link.set_source({ address: link.source?.address })
  link.set_target({ address: link.target?.address })
  holdAttach(link)
}

/** Answers an attach and detaches right behind it, as the service does when it refuses one. */
export function refuseAttach(peer: Peer, link: AmqpLink, failure: AmqpFailure): void {
  peer.forgetLink(link)
  answerAttach(link)
  link.close(failure)
}

export function refuseAddress(peer: Peer, link: AmqpLink, address: unknown): void {
  const description = `The messaging entity '${String(address)}' could not be found.`
  refuseAttach(peer, link, { condition: CONDITION.notFound, description })
}

/** What a token must be for: a client gets one for each node, and the management node is one of its own. */
export const nodeOf = ({ kind, path }: QueueAddress): string => (kind === 'management' ? `${path}/$management` : path)

export interface Admission {
  readonly address: QueueAddress
  /** One of these is needed. */
  readonly anyOf: readonly Right[]
  readonly admitted: (queue: Queue) => void
}

/** Lets a link to a queue in, unless its client may not, the queue is missing or a fault was injected. */
export function admit(
  context: ServerContext,
  peer: Peer,
  link: AmqpLink,
  { address, anyOf, admitted }: Admission,
): void {
  const { faults, namespace } = context
  // A client that gives up meanwhile expects the answer before the detach.
  peer.onEnd(link, () => answerAttach(link))
  faults.run(
    { point: 'attach', queue: address.path },
    {
      act() {
        peer.checkRight(nodeOf(address), anyOf)
        return namespace.find(address.queue)
      },
      answer(queue) {
        if (link.is_open()) admitted(queue)
      },
      refuse: (failure) => refuseAttach(peer, link, failure),
      drop: peer.drop,
    },
  )
}
