import type { Answer } from '@queue-runtime/local-server'

/** Source: the errors of each action in the Secrets Manager API reference, and its "Common errors". */
export const refusal = (name: string, message: string, status = 400): Answer => ({
  status,
  headers: { 'x-amzn-errortype': name },
  body: { __type: name, Message: message },
})

export const notFound: Answer = refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")

export const noValue = (label: string): Answer =>
  refusal(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for staging label: ${label}`,
  )

export const exists = (what: string): Answer =>
  refusal('ResourceExistsException', `The operation failed because ${what} already exists.`)

export const markedForDeletion: Answer = refusal(
  'InvalidRequestException',
  "You can't perform this operation on the secret because it was marked for deletion.",
)

export const denied: Answer = refusal(
  'AccessDeniedException',
  'User is not authorized to perform this action because no identity-based policy allows it',
)

/** With a hint of so many seconds, where it is given. */
export const throttled = (retryAfterSeconds?: number): Answer => {
  const answer = refusal('ThrottlingException', 'Rate exceeded')
  if (retryAfterSeconds === undefined) return answer
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } }
}

export const unavailable: Answer = refusal('ServiceUnavailable', 'The service is unavailable.', 503)
