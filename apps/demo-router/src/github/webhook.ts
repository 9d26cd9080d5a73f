import type { IncomingHttpHeaders } from 'node:http'
import { isJsonObject, type JsonObject, type WebhookEvent } from './event.ts'
import { isSigned } from './signature.ts'

/** One delivery that passed every check. */
export interface Webhook extends WebhookEvent {
  /** `X-GitHub-Delivery`: the same when GitHub delivers the same event again. */
  readonly deliveryId: string
  /** The bytes that were signed. */
  readonly body: Buffer
}

/** Why a request is not taken. */
export type Refusal =
  | 'bad-signature'
  | 'no-event'
  | 'bad-delivery'
  | 'not-json'
  | 'too-large'
  | 'too-many'
  | 'unavailable'

/** The answer to each, as a status and a sentence. None of them quotes what was sent. */
export const REFUSALS: Readonly<Record<Refusal, readonly [status: number, sentence: string]>> = {
  'bad-signature': [401, 'The header X-Hub-Signature-256 is missing or does not fit the body.'],
  'no-event': [400, 'The header X-GitHub-Event is missing.'],
  'bad-delivery': [400, 'The header X-GitHub-Delivery must have 1 to 128 printable ASCII characters without space.'],
  'not-json': [400, 'The body is not a JSON object in UTF-8; set the content type of the webhook to application/json.'],
  'too-large': [413, 'The body is larger than the queue takes.'],
  'too-many': [429, 'Too many requests with a wrong signature came from this address; try again later.'],
  unavailable: [503, 'The queue cannot be reached now; deliver again later.'],
}

/** What a message id may be in core (requirements M5). */
const DELIVERY_ID = /^[\x21-\x7e]{1,128}$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const parse = (body: Buffer): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(utf8.decode(body))
    return isJsonObject(value) ? value : undefined
  } catch {
    // What the parser says quotes the body.
    return undefined
  }
}

/** Checks one request of GitHub: the signature first, so that nobody without the secret learns more than that it is wrong. */
export async function readWebhook(
  secrets: readonly string[],
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<Webhook | { readonly refusal: Refusal }> {
  if (!(await isSigned(secrets, body, headers['x-hub-signature-256']))) return { refusal: 'bad-signature' }
  const name = headers['x-github-event']
  if (typeof name !== 'string' || name === '') return { refusal: 'no-event' }
  const deliveryId = headers['x-github-delivery']
  if (typeof deliveryId !== 'string' || !DELIVERY_ID.test(deliveryId)) return { refusal: 'bad-delivery' }
  const payload = parse(body)
  return payload === undefined ? { refusal: 'not-json' } : { name, payload, deliveryId, body }
}
