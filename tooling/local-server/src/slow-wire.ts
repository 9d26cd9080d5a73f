import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server on this machine that is as long as one wants: what goes in comes out so many milliseconds later. */
export interface SlowWire {
  readonly port: number
  close(): Promise<void>
}

const carry = (from: Socket, to: Socket, delayMs: number): void => {
  from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), delayMs))
  for (const event of ['end', 'close', 'error']) from.on(event, () => setTimeout(() => to.destroy(), delayMs))
}

export async function startSlowWire(port: number, delayMs: number): Promise<SlowWire> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    carry(near, far, delayMs)
    carry(far, near, delayMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
