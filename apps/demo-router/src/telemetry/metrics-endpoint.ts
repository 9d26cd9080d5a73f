import { type FastifyInstance, fastify } from 'fastify'
import type { Telemetry } from './telemetry.ts'

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'

export const METRICS_PATH = '/metrics'

/** Adds `GET /metrics` for Prometheus. Only to a server that strangers cannot reach. */
export function serveMetrics(app: FastifyInstance, telemetry: Pick<Telemetry, 'metricsText'>): void {
  app.get(METRICS_PATH, async (_request, reply) => {
    const text = await telemetry.metricsText()
    return reply.header('cache-control', 'no-store').type(TEXT_FORMAT).send(text)
  })
}

/** A scrape is a line of headers and no body. */
const LIMITS = {
  bodyLimit: 1,
  requestTimeout: 5_000,
  keepAliveTimeout: 75_000,
  http: { headersTimeout: 5_000, maxHeaderSize: 8 * 1024, connectionsCheckingInterval: 1_000 },
} as const

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics` */
  readonly url: string
  close(): Promise<void>
}

/**
 * Listens on an address of its own, apart from the one that GitHub reaches, and answers nothing but `GET /metrics`. Rejects where the
 * port is taken.
 */
export async function openMetricsServer(
  telemetry: Pick<Telemetry, 'metricsText'>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const app = fastify({ ...LIMITS, forceCloseConnections: true, logger: false, trustProxy: false })
  serveMetrics(app, telemetry)
  const url = await app.listen({ host, port })
  return { url: url + METRICS_PATH, close: () => app.close() }
}
