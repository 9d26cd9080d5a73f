import { randomBytes, randomUUID } from 'node:crypto'
import { awsEncryptionSdk } from './aws-encryption-sdk.ts'
import { bareCalls } from './bare.ts'
import type { CryptoContender, Setting } from './contender.ts'
import { joseCompact } from './jose.ts'
import { nobleGcm } from './noble.ts'
import { cryptoProvider, messageProtection } from './queue-runtime.ts'

/** Bytes of the envelope before its key id (protocol.md 1), which the tag covers. */
const HEADER_BYTES = 31

/** Length of the associated data that a client makes of the two ids (protocol.md 2). */
const contextBytes = ({ messageId, sessionId }: Setting): number => {
  const texts = ['queue-runtime/message', messageId, sessionId]
  const absentFieldsAndAttributeCount = 1 + 1 + 2
  return texts.reduce((sum, text) => sum + 3 + text.length, absentFieldsAndAttributeCount)
}

/** Returns the bare calls first, then our two doors, then what else there is. */
export async function cryptoContenders(): Promise<CryptoContender[]> {
  const setting: Setting = {
    keyId: 'bench-2026-11-01',
    keyBytes: new Uint8Array(randomBytes(32)),
    messageId: randomUUID(),
    sessionId: 'octocat/hello-world/pull/42',
  }
  const context = new Uint8Array(randomBytes(contextBytes(setting)))
  const headerAndContext = new Uint8Array(randomBytes(HEADER_BYTES + setting.keyId.length + context.length))
  return [
    bareCalls(setting.keyBytes, headerAndContext),
    cryptoProvider(setting, context),
    messageProtection(setting),
    nobleGcm(setting.keyBytes, headerAndContext),
    await joseCompact(setting),
    ...awsEncryptionSdk(setting),
  ]
}

/** @throws where a contender gives back another body than it was given */
export async function assertRoundTrips(contender: CryptoContender, body: Uint8Array): Promise<void> {
  const opened = await contender.run(body)
  if (Buffer.compare(opened, body) !== 0) throw new Error(`${contender.name} opens another body than it sealed.`)
}
