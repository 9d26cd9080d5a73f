import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Counts wrong signatures per source: an IPv4 address or an IPv6 network of 64 bits. What is signed never counts, since GitHub may
 * send any number at once and does not deliver again what it is refused.
 */
export interface GuessLimit {
  /** Seconds until the source may try again; undefined where it may now. */
  pauseOf(request: FastifyRequest): Promise<number | undefined>
  /** One more wrong signature. */
  count(request: FastifyRequest): Promise<void>
}

const WINDOW_MS = 60_000

const NO_LIMIT: GuessLimit = { pauseOf: async () => undefined, count: async () => {} }

/** `perMinute`: wrong signatures that one source may send in a minute; 0 sets no limit. */
export function limitGuesses(app: FastifyInstance, perMinute: number): GuessLimit {
  if (perMinute === 0) return NO_LIMIT
  let ask: ReturnType<FastifyInstance['createRateLimit']> | undefined
  app.register(rateLimit, { global: false })
  app.after(() => {
    ask = app.createRateLimit({ max: perMinute, timeWindow: WINDOW_MS })
  })
  return {
    async pauseOf(request) {
      const source = await ask?.(request, { increment: false })
      return source === undefined || source.isAllowed || source.remaining > 0 ? undefined : source.ttlInSeconds
    },
    async count(request) {
      await ask?.(request)
    },
  }
}
