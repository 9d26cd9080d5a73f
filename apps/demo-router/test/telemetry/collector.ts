import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Collector {
  readonly url: string
  /** What was exported, of one service or of all. */
  sent(service?: string): Buffer
}

/** An OTLP endpoint that takes everything and keeps it; closed with the test. */
export async function openCollector(): Promise<Collector> {
  const exports: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    exports.push(Buffer.concat(chunks))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: (service = '') => Buffer.concat(exports.filter((body) => body.includes(service))),
  }
}

/** How a span begins in protobuf: its trace id (field 1, 16 bytes), then its own id (field 2, 8 bytes). */
const SPAN = /0a10([0-9a-f]{32})1208[0-9a-f]{16}/g

/** The traces that spans in these exports belong to, or are linked to, in hex. */
export const tracesIn = (sent: Buffer): Set<string> =>
  new Set([...sent.toString('hex').matchAll(SPAN)].map(([, id = '']) => id))
