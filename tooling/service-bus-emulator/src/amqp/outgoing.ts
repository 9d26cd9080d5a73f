import { randomUUID } from 'node:crypto'
import type { Consumer } from '../store/consumer.ts'
import type { Hold } from '../store/entry.ts'
import type { Queue } from '../store/queue.ts'
import type { QueueAddress } from './address.ts'
import { tagOf } from './lock-token.ts'
import type { Ending, Peer } from './peer.ts'
import { type AmqpLink, answerDrain, room } from './rhea.ts'
import type { ServerContext } from './server-context.ts'
import { serveSettlements } from './settlement.ts'
import { wireMessage } from './wire-message.ts'

/** What a client receives: a queue or its dead letters, all of it or one session. */
export interface Subscription {
  readonly queue: Queue
  readonly address: QueueAddress
  readonly hold: Hold | undefined
}

/** AMQP's name for messages that are settled by the sender as they are sent. */
const SETTLED = 1

/** Sends what is in a queue to a client that receives. */
export function serveOutgoing(context: ServerContext, peer: Peer, link: AmqpLink, subscription: Subscription): void {
  const { faults } = context
  const { queue, address, hold } = subscription
  const { path } = address
  const source = address.isDeadLetters ? queue.deadLetters : queue.messages
  let isDraining = false

  const consumer: Consumer = {
    mode: link.snd_settle_mode === SETTLED ? 'delete' : 'lock',
    hold,
    wants: () => room(link) > 0,
    deliver({ entry, lock }) {
      // As it is now: what is sent later must not show what happened meanwhile.
      const bytes = wireMessage(entry, lock)
      const tag = tagOf(lock?.token ?? randomUUID())
      faults.run(
        { point: 'deliver', queue: path },
        {
          act: () => link.send(bytes, tag, 0),
          answer: () => {},
          refuse: (failure) => link.close(failure),
          drop: peer.drop,
        },
      )
    },
  }

  const drain = (): void => {
    if (isDraining && answerDrain(link)) isDraining = false
  }

  link.on('sender_flow', () => {
    queue.serve()
    drain()
  })
  link.on('sender_draining', () =>
    faults.run(
      { point: 'drain', queue: path },
      {
        act() {
          isDraining = true
        },
        answer: drain,
        refuse: (failure) => link.close(failure),
        drop: peer.drop,
      },
    ),
  )
  serveSettlements(context, peer, link, { queue, path })

  const leave = source.join(consumer)
  peer.onEnd(link, (ending: Ending) => {
    leave()
    // A broken connection leaves its locks behind until they run out.
    if (hold !== undefined && ending === 'closed') queue.releaseSession(hold)
  })
}
