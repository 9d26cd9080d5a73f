import type { FastifyInstance } from 'fastify'
import type { Telemetry } from './telemetry.ts'

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'

/** Adds `GET /metrics` for Prometheus. Only to a server that strangers cannot reach. */
export function serveMetrics(app: FastifyInstance, telemetry: Pick<Telemetry, 'metricsText'>): void {
  app.get('/metrics', async (_request, reply) => {
    const text = await telemetry.metricsText()
    return reply.header('cache-control', 'no-store').type(TEXT_FORMAT).send(text)
  })
}
