import { isQueueError, QueueError } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import type { NonceClaimAnswer, NonceStore } from './nonce-store.ts'

const CLAIM_ANSWERS: ReadonlySet<NonceClaimAnswer> = new Set<NonceClaimAnswer>([
  'granted',
  'granted-again',
  'in-flight',
  'completed',
  'expired',
])

/** The text of a foreign error is dropped: drivers quote commands and addresses, passwords included. */
const unavailable = (error: unknown): QueueError =>
  isQueueError(error, 'NonceStoreUnavailable')
    ? error
    : new QueueError('NonceStoreUnavailable', `The nonce store did not answer (${errorClass(error)}).`)

const attempt = async <T>(call: () => Promise<T>, isAnswer: (answer: T) => boolean): Promise<T> => {
  let answer: T
  try {
    answer = await call()
  } catch (error) {
    throw unavailable(error)
  }
  if (isAnswer(answer)) return answer
  throw new QueueError('NonceStoreUnavailable', 'The nonce store gave an answer that its contract does not know.')
}

/** Returns the store with all its failures as NonceStoreUnavailable; an answer that is none is a failure too. */
export function checkedNonceStore(store: NonceStore): NonceStore {
  const single = <T extends string>(call: () => Promise<T>, ...answers: readonly T[]): Promise<T> =>
    attempt(call, (answer) => answers.includes(answer))
  return {
    claim: (requests) =>
      attempt(
        () => store.claim(requests),
        (answers) =>
          Array.isArray(answers) &&
          answers.length === requests.length &&
          answers.every((answer) => CLAIM_ANSWERS.has(answer)),
      ),
    renew: (id, leaseMs) => single(() => store.renew(id, leaseMs), 'ok', 'lost'),
    confirm: (id, retainMs) => single(() => store.confirm(id, retainMs), 'ok', 'already', 'lost'),
    release: (id, retainMs) => single(() => store.release(id, retainMs), 'ok', 'lost'),
  }
}
