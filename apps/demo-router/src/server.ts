import { STATUS_CODES } from 'node:http'
import type { Logger } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify'
import type { Counters } from './counters.ts'
import { REFUSALS } from './github/webhook.ts'
import type { Outcome, Router } from './router.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is parsed as its header says. */
    takesJson?: boolean
  }
}

export interface ServerOptions {
  readonly router: Router
  readonly counters: Counters
  readonly logger: Logger
  /** The longest body that is read, in bytes. */
  readonly bodyLimit: number
}

/** Limits of one connection; GitHub itself waits 10 s for an answer. */
const LIMITS = {
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  // Node looks for connections over their limits only so often, by default every 30 s.
  http: { headersTimeout: 5_000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 1_000 },
} as const

export const WEBHOOK_PATH = '/webhooks/github'
const BYTES = 'application/octet-stream'

/** 202 for what was taken: a bot will see to it, or nobody asked for it. */
const answer = (reply: FastifyReply, outcome: Outcome): FastifyReply => {
  if (outcome.status !== 'refused') return reply.code(202).send(outcome)
  const [status, sentence] = REFUSALS[outcome.refusal]
  if (status === 503) reply.header('retry-after', '5')
  return reply.code(status).send({ error: outcome.refusal, message: sentence })
}

/** What Fastify's own errors say may quote the request; the phrase of the status does not. */
const answerPlainly = (reply: FastifyReply, status: number): FastifyReply =>
  reply.code(status).send({ error: `http-${status}`, message: `${STATUS_CODES[status] ?? 'Error'}.` })

const statusOf = (error: unknown): number => {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}

/** Returns the HTTP server of the router, not yet listening: `POST /webhooks/github`, every answer in JSON. */
export function createServer({ router, counters, logger, bodyLimit }: ServerOptions): FastifyInstance {
  const app = fastify({ ...LIMITS, bodyLimit, forceCloseConnections: 'idle', logger: false, trustProxy: false })

  const settle = (reply: FastifyReply, outcome: Outcome): FastifyReply => {
    counters.count(outcome)
    return answer(reply, outcome)
  }

  // The signature is over bytes: whatever the header says, nothing is parsed before it was checked.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(BYTES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.takesJson !== true) request.headers['content-type'] = BYTES
  })

  app.post(WEBHOOK_PATH, async ({ headers, body }, reply) =>
    settle(reply, await router(headers, Buffer.isBuffer(body) ? body : Buffer.alloc(0))),
  )

  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error)
    if (status === 413) return settle(reply, { status: 'refused', refusal: 'too-large' })
    if (status >= 500) {
      counters.countFailure()
      logger.error({ operation: 'http', error_type: errorClass(error) }, 'A request failed')
    }
    return answerPlainly(reply, status)
  })
  app.setNotFoundHandler((_request, reply) => answerPlainly(reply, 404))
  return app
}
