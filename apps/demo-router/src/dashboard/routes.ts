import type { FastifyInstance } from 'fastify'
import type { Dashboard } from './dashboard.ts'

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** Adds `GET /events` and `GET /messages/<key>`. `dashboard` is asked at each request: there is none yet while the house is made. */
export function serveDashboard(app: FastifyInstance, dashboard: () => Dashboard | undefined): void {
  app.get('/events', (_request, reply) => {
    if (dashboard()?.feed.serve(reply.raw)) return reply.hijack()
    return reply.code(503).headers(NO_STORE).send({ error: 'too-many', message: 'Too many pages are open.' })
  })
  app.get<{ Params: { key: string } }>('/messages/:key', (request, reply) => {
    const message = dashboard()?.messages.find(request.params.key)
    const found = message ?? { error: 'not-kept', message: 'Only the newest messages are kept.' }
    return reply
      .code(message === undefined ? 404 : 200)
      .headers(NO_STORE)
      .send(found)
  })
}
