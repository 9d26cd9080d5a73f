import { isQueueError } from '@queue-runtime/core'
import type { Unprotected } from '@queue-runtime/core/provider'
import { isEncrypted } from '@queue-runtime/core/provider'
import { AT, headerLengthOf, TAG_LENGTH } from '../../src/envelope-bytes.ts'
import { KEY_ID, keyBytes, keyOf } from '../../src/keys.ts'
import { options, protection, verdicts } from './change.ts'

const DAY_MS = 86_400_000

/** The length that an envelope itself gives. */
const lengthOf = (body: Uint8Array): number =>
  headerLengthOf(body) + Buffer.from(body).readUInt32BE(AT.ciphertextLength) + TAG_LENGTH

const isLong = (body: Uint8Array): boolean => isEncrypted(body) && body.length > AT.keyId

/** What a length field made somebody allocate, kept so that it counts. */
const allocated: Uint8Array[] = []

const isBroken = (verdict: Unprotected): boolean =>
  'error' in verdict &&
  (isQueueError(verdict.error, 'InvalidEnvelope') || isQueueError(verdict.error, 'UnsupportedVersion'))

const asPlaintext = (body: Uint8Array): Unprotected => ({ body, seal: null, claim: null })

export const protectionMutants = {
  'seals nothing': options((given) => ({ ...given, enabled: given.enabled && false })),
  'tells the session by the word of the broker': protection(({ protect, unprotect }) => ({
    protect: (message, call) => protect({ ...message, sessionId: undefined }, call),
    unprotect: (messages, call) =>
      unprotect(
        messages.map((message) => ({ ...message, sessionId: undefined })),
        call,
      ),
  })),
  'binds the queue': options((given, { queue }) => ({ ...given, audience: `${given.audience}@${queue}` })),
  'takes broken envelopes for plaintext': verdicts((verdict, index, _, bodies) =>
    isBroken(verdict) ? asPlaintext(bodies[index] ?? new Uint8Array(0)) : verdict,
  ),
  'cuts envelopes to their length': protection(({ unprotect }) => ({
    unprotect: (messages, call) =>
      unprotect(
        messages.map((message) => ({
          ...message,
          body: isLong(message.body) ? message.body.slice(0, lengthOf(message.body)) : message.body,
        })),
        call,
      ),
  })),
  'allocates what is claimed': protection(({ unprotect }) => ({
    unprotect(messages, call) {
      for (const { body } of messages) {
        // A part of what is claimed will do, and leaves the machine alone.
        if (isLong(body)) allocated.push(new Uint8Array(Math.min(lengthOf(body), 256 * 2 ** 20)))
      }
      return unprotect(messages, call)
    },
  })),
  'lets plaintext through': options((given) => ({
    ...given,
    plaintextPolicy: 'allow',
    plaintextAllowedUntil: undefined,
  })),
  'calls plaintext sealed': protection(({ protect }) => ({
    async protect(message, call) {
      const result = await protect(message, call)
      const isTrap = result.seal === null && isEncrypted(result.body)
      const seal = { keyId: KEY_ID, encryptedAt: new Date(0), audience: undefined, attributes: {} }
      return isTrap ? { ...result, seal } : result
    },
  })),
  'judges no age': options((given) => ({ ...given, validateFreshness: false })),
  'judges no future': options((given) => ({ ...given, clockSkewToleranceMs: DAY_MS, nonceCacheTtlMs: 3 * DAY_MS })),
  'knows no end of a key': options((given) => {
    const { keyProvider } = given
    if (keyProvider === undefined) return given
    const getKey = async (keyId: string) => ((await keyProvider.getKey(keyId)) === null ? null : keyOf(keyId))
    return { ...given, keyProvider: { ...keyProvider, getKey } }
  }),
  'counts no seals': options((given) => ({ ...given, maxSealsPerKey: undefined })),
  'knows no audience': options((given) => ({ ...given, audience: undefined })),
  'authenticates no attributes': options((given) => ({ ...given, authenticatedAttributes: undefined })),
  'shows every attribute as authenticated': protection(({ unprotect }) => ({
    async unprotect(messages, call) {
      const all = await unprotect(messages, call)
      return all.map((verdict, index) => {
        const attributes = messages[index]?.attributes ?? {}
        if ('error' in verdict || verdict.seal === null) return verdict
        return { ...verdict, seal: { ...verdict.seal, attributes } }
      })
    },
  })),
  'pads nothing': options((given) => ({ ...given, padding: 'none' })),
  'completes what it refuses': verdicts((verdict) =>
    'error' in verdict ? { ...verdict, disposition: { action: 'complete' } } : verdict,
  ),
  'loses a batch for one message': verdicts((verdict, _, all) => all.find((other) => 'error' in other) ?? verdict),
  'retries for ever': verdicts((verdict) =>
    'error' in verdict && verdict.disposition.action === 'dead-letter' && isQueueError(verdict.error, 'KeyNotFound')
      ? { ...verdict, disposition: { action: 'abandon', delayMs: 5_000 } }
      : verdict,
  ),
  'gives back what it cannot decide': verdicts((verdict) =>
    'error' in verdict && verdict.disposition.action === 'hold'
      ? { ...verdict, disposition: { action: 'abandon', delayMs: 5_000 } }
      : verdict,
  ),
  'logs keys': protection((sound, _, { logger }) => {
    logger.debug({ key: Buffer.from(keyBytes(KEY_ID)).toString('base64') }, 'Key loaded')
    return sound
  }),
  'logs bodies': protection(({ unprotect }, _, { logger }) => ({
    async unprotect(messages, call) {
      const all = await unprotect(messages, call)
      for (const verdict of all)
        if ('body' in verdict) logger.debug({ body: Buffer.from(verdict.body).toString() }, 'Opened')
      return all
    },
  })),
} as const
