import type { AddressInfo, Server } from 'node:net'
import { attachReceiver } from './attach-receiver.ts'
import { attachSender } from './attach-sender.ts'
import { createPeer, type Peer } from './peer.ts'
import {
  type AmqpConnection,
  type Container,
  connectionOf,
  type EventContext,
  keepMessagesEncoded,
  linkOf,
  newContainer,
  sessionOf,
} from './rhea.ts'
import type { ServerContext } from './server-context.ts'

export interface TlsOptions {
  readonly key: string | Buffer
  readonly cert: string | Buffer
}

export interface Listener {
  readonly port: number
  /** How many clients are connected. */
  connections(): number
  /** Breaks all connections, without a word. */
  dropConnections(): void
  close(): Promise<void>
}

/** What rhea tells of a connection that ended badly; without a listener some of it would end the process. */
const TOLERATED = [
  'connection_error',
  'session_error',
  'sender_error',
  'receiver_error',
  'protocol_error',
  'error',
  'disconnected',
]

/**
 * Deliveries that one link may hold unsettled; only the oldest makes room, so that one that is never settled keeps the place
 * of all after it.
 */
const OUTGOING_DELIVERIES = 65_536
const INCOMING_DELIVERIES = 2_048

/** Otherwise rhea tells of a message that is abandoned twice. Its types do not know the option. */
const SENDER_OPTIONS: object = { treat_modified_as_released: false }

/** The SDK waits for an acknowledgement before it sends a second small packet, and the system delays those by 40 ms. */
const answerAtOnce = (connection: AmqpConnection): void => {
  connection.socket.setNoDelay(true)
  connection.socket.on('data', () => {
    setImmediate(() => {
      if (connection.is_open() && !connection.socket.destroyed) connection._write_frame()
    })
  })
}

function serve(container: Container, context: ServerContext, peers: Map<AmqpConnection, Peer>): void {
  const withPeer = (handle: (peer: Peer, event: EventContext) => void) => (event: EventContext) => {
    const peer = peers.get(connectionOf(event))
    if (peer !== undefined) handle(peer, event)
  }

  container.on('connection_open', (event: EventContext) => {
    const connection = connectionOf(event)
    const peer = createPeer(connection)
    peers.set(connection, peer)
    answerAtOnce(connection)
    connection.socket.once('close', () => {
      peer.endAll('dropped')
      peers.delete(connection)
      connection.eof()
    })
  })
  container.on('session_open', (event: EventContext) => keepMessagesEncoded(sessionOf(event)))
  container.on(
    'receiver_open',
    withPeer((peer, event) => attachSender(context, peer, linkOf(event))),
  )
  container.on(
    'sender_open',
    withPeer((peer, event) => attachReceiver(context, peer, linkOf(event))),
  )
  for (const name of ['sender_close', 'receiver_close']) {
    container.on(
      name,
      withPeer((peer, event) => peer.endLink(linkOf(event), 'closed')),
    )
  }
  container.on(
    'session_close',
    withPeer((peer, event) => peer.endSession(sessionOf(event))),
  )
  container.on(
    'connection_close',
    withPeer((peer) => peer.endAll('closed')),
  )
  for (const name of TOLERATED) container.on(name, () => {})
}

const listening = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })

/** Listens for AMQP clients; over TLS where there is a certificate. */
export async function listen(
  context: ServerContext,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls: TlsOptions | undefined },
): Promise<Listener> {
  const peers = new Map<AmqpConnection, Peer>()
  const container = newContainer()
  serve(container, context, peers)
  const server = container.listen({
    ...{ host, port },
    ...(tls === undefined ? {} : { transport: 'tls', ...tls }),
    idle_time_out: 60_000,
    session_buffer_size: { incoming: INCOMING_DELIVERIES, outgoing: OUTGOING_DELIVERIES },
    receiver_options: { autoaccept: false },
    sender_options: SENDER_OPTIONS,
  })
  await listening(server)
  const sockets = new Set<{ destroy(): void; once(event: 'close', listener: () => void): void }>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const dropConnections = (): void => {
    for (const peer of peers.values()) peer.drop()
    for (const socket of sockets) socket.destroy()
  }

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        dropConnections()
      }),
  }
}
