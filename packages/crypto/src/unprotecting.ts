import { isQueueError, QueueError } from '@queue-runtime/core'
import {
  type Claim,
  errorClass,
  type IncomingMessage,
  locate,
  type QueueContext,
  type QueueProtection,
  type Unprotected,
} from '@queue-runtime/core/provider'
import { dispositionOf } from './disposition.ts'
import type { Opened, Opening, Purpose } from './opening.ts'
import type { MessageCryptoOptions } from './options.ts'
import type { ReplayGuard, Verified } from './replay-guard.ts'
import type { CryptoTelemetry } from './telemetry.ts'

interface UnprotectParts {
  readonly open: Opening
  /** Undefined where no nonce store was given. */
  readonly guard: ReplayGuard | undefined
  readonly onReplay: MessageCryptoOptions['onReplay']
  readonly context: Pick<QueueContext, 'queue'>
  readonly telemetry: CryptoTelemetry
}

interface Attempt {
  readonly message: IncomingMessage
  readonly result: Opened | QueueError
}

type Claims = ReadonlyMap<IncomingMessage, Claim | QueueError | null>

const NO_CLAIMS: Claims = new Map()

/**
 * Unprotects a batch: each message is opened by itself, what was sealed is claimed in one call, and what is wrong with one
 * becomes a value, so that a bad message never hides a good one.
 */
export function createUnprotecting(parts: UnprotectParts): QueueProtection['unprotect'] {
  const { open, guard, onReplay, context, telemetry } = parts
  const { queue } = context

  /** What is no QueueError came from a cipher of the application's own: an outage like that of a key store. */
  const asQueueError = (error: unknown): QueueError =>
    isQueueError(error) ? error : new QueueError('KeyProviderError', `Opening failed (${errorClass(error)}).`)

  const refuse = ({ messageId, deliveryCount }: IncomingMessage, reason: QueueError): Unprotected => {
    const error = locate(reason, { queue, operation: 'receive', messageId })
    telemetry.failed(error.code)
    return { error, disposition: dispositionOf(error, { deliveryCount, onReplay }) }
  }

  const attempt = async (message: IncomingMessage, purpose: Purpose, signal?: AbortSignal): Promise<Attempt> => {
    try {
      return { message, result: await open(message, purpose, signal) }
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      return { message, result: asQueueError(error) }
    }
  }

  /** The claims of what was sealed, or why there is none. Plaintext has no nonce: nothing tells a copy of it. */
  const claimAll = async (attempts: readonly Attempt[], signal?: AbortSignal): Promise<Claims> => {
    if (guard === undefined) return NO_CLAIMS
    const verified = attempts.flatMap(({ message, result }): Verified[] => {
      if (isQueueError(result) || result.proof === null) return []
      const { seal, nonce } = result.proof
      return [{ message, keyId: seal.keyId, encryptedAt: seal.encryptedAt, nonce }]
    })
    const claims = await guard.claim(verified, signal)
    return new Map(verified.map(({ message }, index) => [message, claims[index] ?? null]))
  }

  const conclude = ({ message, result }: Attempt, claim: Claim | QueueError | null, purpose: Purpose): Unprotected => {
    if (isQueueError(result)) return refuse(message, result)
    const { body, proof } = result
    if (isQueueError(claim)) {
      body.fill(0)
      return refuse(message, claim)
    }
    if (proof !== null && purpose === 'deliver') telemetry.opened(message, proof.seal)
    return { body, seal: proof?.seal ?? null, claim }
  }

  return async (messages, { purpose, signal }) => {
    const attempts = await Promise.all(messages.map((message) => attempt(message, purpose, signal)))
    const claims = purpose === 'deliver' ? await claimAll(attempts, signal) : NO_CLAIMS
    return attempts.map((one) => conclude(one, claims.get(one.message) ?? null, purpose))
  }
}
