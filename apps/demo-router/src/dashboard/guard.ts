import type { FastifyReply, FastifyRequest } from 'fastify'

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

const urlOf = (text: string): URL | undefined => {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/**
 * True for a request that a page of this very server, or a program on this machine, can have made. A name that somebody else's
 * DNS points at this machine is in `Host`, another site's page in `Origin` and `Sec-Fetch-Site`.
 */
export function isFromHere({ headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>): boolean {
  const host = urlOf(`http://${headers.host ?? ''}`)
  if (host === undefined || !LOOPBACK.has(host.hostname) || !isLoopbackAddress(socket.remoteAddress)) return false
  const { origin } = headers
  if (origin !== undefined && origin !== host.origin) return false
  const site = headers['sec-fetch-site']
  // A link on another site may open the page: it reads nothing. A frame is no visit.
  const isVisit = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return site === undefined || site === 'same-origin' || site === 'none' || isVisit
}

const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address))

/** Hook for routes that show plaintext, or change something: 403 for anybody from elsewhere. */
export async function refuseStrangers(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  if (isFromHere(request)) return undefined
  return reply
    .code(403)
    .send({ error: 'not-from-here', message: 'Only pages and programs of this machine may ask this.' })
}
