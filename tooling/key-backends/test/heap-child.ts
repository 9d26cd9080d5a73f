import { writeHeapSnapshot } from 'node:v8'
import { cachedKeyProvider } from '@queue-runtime/crypto'
import { secretsManagerKeyProvider } from '@queue-runtime/keys-aws'
import { keyVaultKeyProvider } from '@queue-runtime/keys-azure'

/**
 * Reads keys from the store whose address is named second, as a process does that uses them, and writes what is left on the heap to
 * the file named first.
 */
const [file = '', origin = '', kind = '', layout = ''] = process.argv.slice(2)

const credential = { getToken: async () => ({ token: 'a-token', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) }
const versions = layout === 'versions'
const source =
  kind === 'azure'
    ? keyVaultKeyProvider({ vaultUrl: origin, credential, ...(versions && { secret: 'orders' }) })
    : secretsManagerKeyProvider({
        ...{ endpoint: origin, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } },
        ...(versions ? { secret: 'orders' } : { prefix: 'prod' }),
      })

const provider = cachedKeyProvider(source)
const ids = (await provider.validKeyIds?.()) ?? []
const held = {
  provider,
  keys: await Promise.all(ids.map((id) => provider.getKey(id))),
  id: await source.currentKeyId(),
}
for (let turn = 0; turn < 5; turn += 1) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc?.()
}
writeHeapSnapshot(file)
process.stdout.write(`${held.keys.filter((key) => key !== null).length} keys, current ${held.id}`)
