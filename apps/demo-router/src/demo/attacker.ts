import type { StoredMessage } from '@queue-runtime/provider-memory'
import type { Attacker } from '../attacks/attack.ts'
import type { QueueName } from '../github/routes.ts'
import { isAt, type Place } from '../place.ts'
import type { House } from './house.ts'

/** The queue whose messages are attacked, and the other one that a message is moved to. */
export const HOME: QueueName = 'task-tactician'
const ELSEWHERE: QueueName = 'merge-warden'

/** Returns the hands of an attacker at the broker; undefined where less than two messages lie there to be attacked. */
export function createAttacker({ broker, clock }: House): Attacker | undefined {
  const home = broker.queue(HOME)
  const [first, second, ...others] = home.messages()
  if (first === undefined || second === undefined) return undefined
  const at = (queue: QueueName, brokerMessageId: string): Place => ({ queue, brokerMessageId })
  return {
    loot: [first, second, ...others],
    edit({ brokerMessageId }, change) {
      home.replace(brokerMessageId, change)
      return at(HOME, brokerMessageId)
    },
    take: ({ brokerMessageId }) => void home.remove(brokerMessageId),
    put: (message) => at(HOME, home.put(message)),
    putElsewhere: (message) => at(ELSEWHERE, broker.queue(ELSEWHERE).put(message)),
    wait: clock.skip,
  }
}

/** Returns those messages of the attacked queue that lie there no more. */
export const takenFrom = ({ broker }: House, before: readonly StoredMessage[]): StoredMessage[] => {
  const now = broker.queue(HOME).messages()
  return before.filter(({ brokerMessageId }) => !now.some(isAt({ queue: HOME, brokerMessageId })))
}
