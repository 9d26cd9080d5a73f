import { STATUS_CODES } from 'node:http'
import type { Logger } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Counters } from './counters.ts'
import { REFUSALS } from './github/webhook.ts'
import { answerBrokenHttp } from './http/broken-http.ts'
import { limitGuesses } from './http/guess-limit.ts'
import { SECURITY_HEADERS } from './http/security-headers.ts'
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
  /** Wrong signatures that one source may send in a minute, before it is answered 429; 0 sets no limit. Default 100. */
  readonly guessesPerMinute?: number
  /**
   * Addresses and networks of the proxies in front, whose `X-Forwarded-For` is believed; default none. Without it, all that comes
   * through a proxy has one source.
   */
  readonly trustedProxies?: readonly string[]
  /** Connections at once; more are closed at once. Times `bodyLimit` it is the memory that bodies can take. Default 512. */
  readonly maxConnections?: number
  /** How long a client may take to send its headers, in milliseconds; default 5 s. */
  readonly headersTimeoutMs?: number
  /** How long a client may take to send a whole request, in milliseconds; default 10 s. */
  readonly requestTimeoutMs?: number
}

/** What nobody needs more of: GitHub's headers are below 2 KiB. */
const MAX_HEADER_BYTES = 16 * 1024
const KEEP_ALIVE_MS = 5_000
/** Node looks for connections over their limits only so often, by default every 30 s. */
const CHECK_MS = 1_000

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
export function createServer(options: ServerOptions): FastifyInstance {
  const { router, counters, logger, bodyLimit } = options
  const { guessesPerMinute = 100, trustedProxies = [], maxConnections = 512 } = options
  const { headersTimeoutMs: headersTimeout = 5_000, requestTimeoutMs: requestTimeout = 10_000 } = options
  const app = fastify({
    ...{ bodyLimit, requestTimeout, keepAliveTimeout: KEEP_ALIVE_MS, forceCloseConnections: 'idle' },
    // What is asked for is asked for exactly: nothing is dropped from a body, or turned into what it should have been.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    http: {
      headersTimeout,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: Math.min(CHECK_MS, headersTimeout),
    },
    logger: false,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, _request, reply) => answerPlainly(reply.headers(SECURITY_HEADERS), statusOf(error)),
  })
  app.server.maxConnections = maxConnections
  const guesses = limitGuesses(app, guessesPerMinute)

  const settle = (reply: FastifyReply, outcome: Outcome): FastifyReply => {
    counters.count(outcome)
    return answer(reply, outcome)
  }

  // The signature is over bytes: whatever the header says, nothing is parsed before it was checked.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(BYTES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    if (request.routeOptions.config.takesJson !== true) request.headers['content-type'] = BYTES
  })

  /** Whoever guessed too often is not read any further. */
  const refuseGuessers = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const pauseSeconds = await guesses.pauseOf(request)
    if (pauseSeconds === undefined) return undefined
    reply.headers({ 'retry-after': pauseSeconds, connection: 'close' })
    return settle(reply, { status: 'refused', refusal: 'too-many' })
  }

  app.post(WEBHOOK_PATH, { onRequest: refuseGuessers }, async (request, reply) => {
    const { headers, body } = request
    const outcome = await router(headers, Buffer.isBuffer(body) ? body : Buffer.alloc(0))
    if (outcome.status === 'refused' && outcome.refusal === 'bad-signature') await guesses.count(request)
    return settle(reply, outcome)
  })

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
