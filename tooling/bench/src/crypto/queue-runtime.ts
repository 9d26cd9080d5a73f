import { metrics } from '@opentelemetry/api'
import { type IncomingMessage, resolveLogger, systemClock } from '@queue-runtime/core/provider'
import {
  aesGcmCryptoProvider,
  EncryptedMessage,
  EncryptionKey,
  type KeyProvider,
  messageCrypto,
  multiKeyProvider,
} from '@queue-runtime/crypto'
import type { CryptoContender, Setting } from './contender.ts'

const keysOf = ({ keyId, keyBytes }: Setting): KeyProvider =>
  multiKeyProvider({ keys: [EncryptionKey.fromBytes(keyId, keyBytes)] })

/** The cipher and the envelope: key lookup, header, parsing and the validity of the key, to bytes and back. */
export function cryptoProvider(setting: Setting): CryptoContender {
  const { keyId, context } = setting
  const provider = aesGcmCryptoProvider(keysOf(setting))
  return {
    name: 'queue-runtime, CryptoProvider',
    async run(body) {
      const sealed = await provider.encrypt(keyId, body, context)
      return provider.decrypt(EncryptedMessage.fromBytes(sealed.toBytes()), context)
    },
  }
}

/** All that a client does to a message on its way through: context, freshness, policy, log lines that nobody reads. */
export function messageProtection(setting: Setting): CryptoContender {
  const { messageId, sessionId } = setting
  const { protect, unprotect } = messageCrypto({
    enabled: true,
    keyProvider: keysOf(setting),
    plaintextPolicy: 'reject',
  }).open({
    queue: 'bench',
    lockMs: undefined,
    maxDeliveries: undefined,
    logger: resolveLogger(undefined),
    meter: metrics.getMeter('bench'),
    clock: systemClock,
  })
  return {
    name: 'queue-runtime, messageCrypto',
    async run(body) {
      const sealed = await protect({ body, messageId, sessionId }, {})
      const incoming: IncomingMessage = {
        body: sealed.body,
        messageId,
        brokerMessageId: '1',
        sessionId,
        correlationId: undefined,
        contentType: undefined,
        attributes: sealed.attributes,
        deliveryCount: 1,
        enqueuedAt: undefined,
        lockedUntil: new Date(Date.now() + 30_000),
      }
      const [result] = await unprotect([incoming], { purpose: 'deliver' })
      if (result === undefined || 'error' in result) throw new Error(`Not opened: ${result?.error.code}.`)
      return result.body
    },
  }
}
