import { createQueueClient } from '@queue-runtime/core'
import { cachedKeyProvider, messageCrypto } from '@queue-runtime/crypto'
import { createKey, secretsManagerKeyProvider as keysOf, promoteKey } from '@queue-runtime/keys-aws'
import { memoryProvider } from '@queue-runtime/provider-memory'
import { local } from './local.ts'

export async function start(): Promise<string[]> {
  const store = { prefix: 'prod', client: local.managerClient() }
  await using keyProvider = cachedKeyProvider(keysOf(store), { currentKeyTtlMs: 1, listTtlMs: 1 })
  const crypto = messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' })
  await using client = createQueueClient({ provider: memoryProvider(), queue: 'orders', crypto })
  const seen: string[] = []
  for (const [keyId, body] of [
    ['orders-1', 'one'],
    ['orders-2', 'two'],
  ] as const) {
    await createKey(store, { keyId })
    await promoteKey(store, { keyId })
    await client.send({ body })
    const message = await client.receive()
    seen.push(`${message?.text()}, sealed under ${message?.seal?.keyId}`)
    await message?.complete()
  }
  return seen
}
