import { isUtf8 } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { verify } from '@octokit/webhooks-methods'

const FORM = /^sha256=[0-9a-f]{64}$/

/** Bytes that are no text, or none at all: GitHub never sends them and the library does not take them, yet they can be signed. */
const verifyBytes = (secret: string, body: Uint8Array, signature: string): boolean =>
  timingSafeEqual(
    Buffer.from(signature),
    Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`),
  )

/** True when `signature`, the header `X-Hub-Signature-256`, was made over exactly these bytes with one of the secrets. */
export async function isSigned(secrets: readonly string[], body: Buffer, signature: unknown): Promise<boolean> {
  if (typeof signature !== 'string' || !FORM.test(signature)) return false
  if (body.length === 0 || !isUtf8(body)) return secrets.some((secret) => verifyBytes(secret, body, signature))
  const text = body.toString('utf8')
  for (const secret of secrets) if (await verify(secret, text, signature)) return true
  return false
}
