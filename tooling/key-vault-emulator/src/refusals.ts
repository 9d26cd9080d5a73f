import type { Answer } from '@queue-runtime/local-server'

/** Source: "Key Vault REST API error codes", and bodies as the service writes them. */
export const refusal = (status: number, code: string, message: string, inner?: string): Answer => ({
  status,
  body: { error: { code, message, ...(inner !== undefined && { innererror: { code: inner } }) } },
})

export const notFound = (name: string): Answer =>
  refusal(404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`)

export const disabled: Answer = refusal(
  403,
  'Forbidden',
  'Operation get is not allowed on a disabled secret.',
  'SecretDisabled',
)

export const denied: Answer = refusal(
  403,
  'Forbidden',
  'Caller is not authorized to perform action on resource.',
  'ForbiddenByRbac',
)

export const deletedButRecoverable = (name: string): Answer =>
  refusal(
    409,
    'Conflict',
    `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused.`,
    'ObjectIsDeletedButRecoverable',
  )

/** With a hint of so many seconds, where it is given. */
export const throttled = (retryAfterSeconds?: number): Answer => ({
  ...refusal(429, 'Throttled', 'Request was not processed because too many requests were received.'),
  ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': String(retryAfterSeconds) } }),
})

export const unavailable: Answer = refusal(503, 'ServiceUnavailable', 'The service is unavailable.')

/** Asks for a token, as it is answered to a request that brings none. */
export const challenge: Answer = {
  ...refusal(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
  headers: {
    'www-authenticate':
      'Bearer authorization="https://login.windows.net/00000000-0000-0000-0000-000000000000", resource="https://vault.azure.net"',
  },
}
