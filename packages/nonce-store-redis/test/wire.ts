import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/** A wire to a server that can be held up and cut. */
export interface Wire extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** How many connections were made over it. */
  readonly connections: number
  /** Where new connections lead from now on; those that are there stay. */
  leadTo(port: number): void
  /** Cuts the connections that are there as soon as so many bytes of replies have passed from now on; 0: at once. */
  cutAfter(bytes: number): void
  /** Lets no reply pass from now on. What clients send arrives. */
  holdReplies(): void
  /** Lets nothing that clients send arrive from now on; it is kept. */
  holdRequests(): void
  /** Lets everything pass, what was held up included. */
  letGo(): void
}

/** Returns a wire to a port of this machine. */
export async function startWire(first: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []
  let holds: 'requests' | 'replies' | undefined
  let left = Number.POSITIVE_INFINITY
  let to = first
  let connections = 0

  const pass = (what: 'requests' | 'replies', action: () => void): void => {
    if (holds === what) held.push(action)
    else action()
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const reply = (client: Socket, bytes: Buffer): void => {
    const passed = bytes.subarray(0, left)
    left -= passed.length
    if (left > 0) {
      client.write(passed)
      return
    }
    left = Number.POSITIVE_INFINITY
    client.end(passed, cut)
  }

  const server = createServer((client) => {
    connections += 1
    const upstream = createConnection(to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
      })
    }
    client.on('data', (bytes) => {
      pass('requests', () => upstream.write(bytes))
    })
    upstream.on('data', (bytes) => pass('replies', () => reply(client, bytes)))
    // What was held up arrives even where its sender is gone, as from a socket of the system.
    client.on('end', () => pass('requests', () => upstream.end()))
    upstream.on('end', () => client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get connections() {
      return connections
    },
    leadTo(port) {
      to = port
    },
    cutAfter(bytes) {
      if (bytes === 0) cut()
      else left = bytes
    },
    holdReplies() {
      holds = 'replies'
    },
    holdRequests() {
      holds = 'requests'
    },
    letGo() {
      holds = undefined
      for (const action of held.splice(0)) action()
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
