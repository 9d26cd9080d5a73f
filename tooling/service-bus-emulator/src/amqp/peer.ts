import type { Right } from '../access.ts'
import { AmqpRefusal, CONDITION } from './conditions.ts'
import type { AmqpConnection, AmqpLink, AmqpSession } from './rhea.ts'

/** How a link ended: by its client's word, or because the connection broke. */
export type Ending = 'closed' | 'dropped'

/** One connection of a client, and what must go when it goes. */
export interface Peer {
  /** Where replies are sent, by the address that requests give for them. */
  readonly replyLinks: Map<string, AmqpLink>
  /** Breaks the connection, without a word. */
  drop(): void
  /** Calls `end` once, when the link ends. */
  onEnd(link: AmqpLink, end: (ending: Ending) => void): void
  endLink(link: AmqpLink, ending: Ending): void
  /** Drops what `onEnd` was given. */
  forgetLink(link: AmqpLink): void
  endSession(session: AmqpSession): void
  endAll(ending: Ending): void
  /** Notes what a token allowed for a path and all below it. */
  grant(path: string, rights: readonly Right[]): void
  /** @throws amqp:unauthorized-access */
  checkRight(path: string, anyOf: readonly Right[]): void
}

export function createPeer(connection: AmqpConnection): Peer {
  const ends = new Map<AmqpLink, (ending: Ending) => void>()
  const granted = new Map<string, readonly Right[]>()

  const endLink = (link: AmqpLink, ending: Ending): void => {
    const end = ends.get(link)
    ends.delete(link)
    end?.(ending)
  }

  const isAllowed = (path: string, anyOf: readonly Right[]): boolean => {
    const asked = `${path.toLowerCase()}/`
    return [...granted].some(
      ([known, rights]) =>
        (known === '' || asked.startsWith(`${known}/`)) && anyOf.some((right) => rights.includes(right)),
    )
  }

  const endAll = (ending: Ending): void => {
    for (const link of [...ends.keys()]) endLink(link, ending)
  }

  return {
    replyLinks: new Map(),
    drop() {
      // At once, since the socket tells of its end only later, and nothing must be sent to it meanwhile.
      endAll('dropped')
      connection.socket.destroy()
    },
    onEnd(link, end) {
      ends.set(link, end)
    },
    endLink,
    forgetLink(link) {
      ends.delete(link)
    },
    endSession(session) {
      for (const link of [...ends.keys()]) if (link.session === session) endLink(link, 'closed')
    },
    endAll,
    grant(path, rights) {
      granted.set(path.toLowerCase(), rights)
    },
    checkRight(path, anyOf) {
      if (isAllowed(path, anyOf)) return
      const claims = anyOf.map((right) => `'${right}'`).join(' or ')
      throw new AmqpRefusal(CONDITION.unauthorized, `Unauthorized access. ${claims} claim(s) are required for ${path}.`)
    },
  }
}
