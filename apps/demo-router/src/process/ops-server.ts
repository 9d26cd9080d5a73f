import { type FastifyInstance, fastify } from 'fastify'
import { serveMetrics } from '../telemetry/metrics-endpoint.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Address } from './settings.ts'

/** What keeps a process from its work: a short reason for each of its parts that is not ready. Empty: it is ready. */
export type NotReady = Readonly<Record<string, string>>

export interface OpsServerOptions {
  readonly address: Address
  readonly telemetry: Pick<Telemetry, 'metricsText'>
  /** Never rejects. */
  readonly look: () => Promise<NotReady>
}

export interface OpsServer {
  /** `http://127.0.0.1:9464` */
  readonly url: string
  close(): Promise<void>
}

/** Whoever asks is a machine that asks often and says little. */
const LIMITS = {
  bodyLimit: 1,
  requestTimeout: 5_000,
  keepAliveTimeout: 75_000,
  http: { headersTimeout: 5_000, maxHeaderSize: 8 * 1024, connectionsCheckingInterval: 1_000 },
} as const

/** How long an answer about readiness holds, in milliseconds: who asks more often does not ask the broker more often. */
const FRESH_MS = 1_000

/** A process that can answer lives; one that is not ready lives as well, and no restart would help it. */
const serveHealth = (app: FastifyInstance, look: OpsServerOptions['look']): void => {
  app.get('/healthz', async (_request, reply) => reply.send({ status: 'alive' }))
  app.get('/readyz', async (_request, reply) => {
    const notReady = await look()
    if (Object.keys(notReady).length === 0) return reply.send({ status: 'ready' })
    return reply.code(503).send({ status: 'not-ready', because: notReady })
  })
}

const rarely = (look: OpsServerOptions['look']): OpsServerOptions['look'] => {
  let known: { readonly at: number; readonly answer: Promise<NotReady> } | undefined
  return () => {
    const now = performance.now()
    if (known === undefined || now - known.at >= FRESH_MS) known = { at: now, answer: look() }
    return known.answer
  }
}

/** Listens for those who watch the process: `GET /healthz`, `/readyz` and `/metrics`. Rejects where the port is taken. */
export async function openOpsServer({ address, telemetry, look }: OpsServerOptions): Promise<OpsServer> {
  const app = fastify({ ...LIMITS, forceCloseConnections: true, logger: false, trustProxy: false })
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  const lookNow = rarely(look)
  serveMetrics(app, {
    async metricsText() {
      // The depth of a queue is what the broker said last: a scrape asks it.
      await lookNow()
      return telemetry.metricsText()
    },
  })
  serveHealth(app, lookNow)
  const url = await app.listen({ ...address })
  return { url, close: () => app.close() }
}
