import { randomBytes, randomUUID } from 'node:crypto'
import { awsEncryptionSdk } from './aws-encryption-sdk.ts'
import { bareCalls, bareCallsInOneBody } from './bare.ts'
import type { CryptoContender, Setting } from './contender.ts'
import { joseCompact } from './jose.ts'
import { nobleGcm } from './noble.ts'
import { cryptoProvider, messageProtection } from './queue-runtime.ts'

/** Length of the envelope before its key id (protocol.md 1). */
const BEFORE_KEY_ID_BYTES = 31

/** Length of the associated data that a client makes of two ids (protocol.md 2): five fields, two of them absent, and a count. */
const contextBytes = (messageId: string, sessionId: string): number =>
  ['queue-runtime/message', messageId, sessionId].reduce((sum, text) => sum + 3 + text.length, 1 + 1 + 2)

/** All lengths are those of a usual message; what is in it makes no difference. */
const newSetting = (): Setting => {
  const keyId = 'bench-orders-eu1'
  const messageId = randomUUID()
  const sessionId = 'octocat/hello-world/pull/42'
  const context = new Uint8Array(randomBytes(contextBytes(messageId, sessionId)))
  const headerBytes = BEFORE_KEY_ID_BYTES + keyId.length
  const authenticated = new Uint8Array(randomBytes(headerBytes + context.length))
  return { keyId, keyBytes: new Uint8Array(randomBytes(32)), messageId, sessionId, context, headerBytes, authenticated }
}

/** Returns the bare calls first, our CryptoProvider second, then what else there is. */
export async function cryptoContenders(): Promise<CryptoContender[]> {
  const setting = newSetting()
  return [
    bareCalls(setting),
    cryptoProvider(setting),
    messageProtection(setting),
    bareCallsInOneBody(setting),
    nobleGcm(setting),
    await joseCompact(setting),
    ...awsEncryptionSdk(setting),
  ]
}

/** @throws where a contender gives back another body than it was given */
export async function assertRoundTrips(contender: CryptoContender, body: Uint8Array): Promise<void> {
  const opened = await contender.run(body)
  if (Buffer.compare(opened, body) !== 0) throw new Error(`${contender.name} opens another body than it sealed.`)
}
