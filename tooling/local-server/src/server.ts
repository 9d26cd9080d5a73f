import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { keptByStore } from '@queue-runtime/leaks'
import type { Answer, Call, LocalRequest } from './call.ts'
import { createCertificates } from './certificates.ts'
import type { Fault, Faults } from './faults.ts'

/** A service on a free port of the loopback. */
export interface LocalServer {
  /** Scheme, host and port. */
  readonly origin: string
  readonly port: number
  /** The certificate of the authority that vouches for the server, in PEM; undefined over plain HTTP. */
  readonly ca: string | undefined
  /** Every call so far, the refused ones included. */
  readonly calls: readonly Call[]
  /** What goes wrong from now on; nothing where it is left out. */
  inject(faults?: Faults): void
  /** Refuses connections, and cuts those that are open, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

interface LocalServerOptions {
  /** The names that the certificate is good for; left out: plain HTTP. */
  readonly tls?: readonly [string, ...string[]] | undefined
  name(request: LocalRequest): Call
  answer(request: LocalRequest): Answer | Promise<Answer>
}

const read = async (request: IncomingMessage, origin: string): Promise<LocalRequest> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  // Where keys are stored is where they belong.
  keptByStore(text)
  const { method = '', url = '/', headers } = request
  return { method, url: new URL(url, origin), headers, body: text === '' ? null : JSON.parse(text) }
}

const write = (response: ServerResponse, { status, headers, body }: Answer, isCut: boolean): void => {
  const text = body === undefined ? '' : JSON.stringify(body)
  keptByStore(text)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  if (!isCut) return void response.end(text)
  response.write(text.slice(0, Math.max(1, text.length / 2)), () => response.destroy())
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })

/**
 * Starts a local server. It answers one request after the other, as they come, and does with each what the faults say.
 *
 * @example
 * const server = await startLocalServer({ name: () => ({ operation: 'ping', subject: '' }), answer: () => ({ status: 204 }) })
 */
export async function startLocalServer({ tls, name, answer }: LocalServerOptions): Promise<LocalServer> {
  const certificates = tls && (await createCertificates(tls))
  const closing = new AbortController()
  const calls: Call[] = []
  let faults: Faults = () => undefined

  const serve = async (request: LocalRequest, fault: Fault | undefined, response: ServerResponse): Promise<void> => {
    if (fault?.kind === 'stall') return
    if (fault?.kind === 'cut' && fault.when === 'before') return void response.destroy()
    if (fault?.kind === 'answer') return write(response, fault, false)
    const result = await answer(request)
    if (fault?.kind === 'slow') await sleep(fault.ms, undefined, { signal: closing.signal }).catch(() => {})
    if (fault?.kind === 'cut' && fault.when === 'after') return void response.destroy()
    write(response, result, fault?.kind === 'cut')
  }

  const listener: RequestListener = (incoming, response) => {
    read(incoming, origin)
      .then(async (request) => {
        const call = name(request)
        calls.push(call)
        await serve(request, faults(call), response)
      })
      .catch(() => response.destroy())
  }
  const server: Server = certificates
    ? createTlsServer({ ...certificates, minVersion: 'TLSv1.2' }, listener)
    : createServer(listener)
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const origin = tls ? `https://${tls[0]}:${port}` : `http://127.0.0.1:${port}`

  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  return {
    origin,
    port,
    ca: certificates?.ca,
    calls,
    inject(next = () => undefined) {
      faults = next
    },
    down: stop,
    async up() {
      if (!server.listening) await listen(server, port)
    },
    async close() {
      closing.abort()
      await stop()
    },
  }
}
