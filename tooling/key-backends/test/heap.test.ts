import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKeyVault } from '@queue-runtime/key-vault-emulator'
import type { LocalServer } from '@queue-runtime/local-server'
import { startSecretsManager } from '@queue-runtime/secrets-manager-emulator'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'heap-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Stored {
  readonly server: LocalServer
  readonly current: string
}

/** A store with these texts as keys. */
const STORES: Readonly<Record<string, (texts: readonly string[]) => Promise<Stored>>> = {
  async 'azure secrets'(texts) {
    const server = await startKeyVault({ tls: ['localhost'] })
    for (const [index, value] of texts.entries()) {
      server.vault.put(`orders-${index}`, { value, tags: { 'queue-runtime-key': `orders-${index}` } })
    }
    server.vault.put('current-encryption-key', { value: 'orders-0' })
    return { server, current: 'orders-0' }
  },
  async 'azure versions'(texts) {
    const server = await startKeyVault({ tls: ['localhost'] })
    const made = texts.map((value, index) =>
      server.vault.put('orders', { value, attributes: { created: 1_700_000_000 + index } }),
    )
    return { server, current: `orders:${made.at(-1)?.version.version}` }
  },
  async 'aws secrets'(texts) {
    const server = await startSecretsManager()
    const put = (name: string, text: string): void => {
      const secret = server.store.create(name)
      server.store.stage(secret, 'AWSCURRENT', server.store.add(secret, { text }))
    }
    for (const [index, text] of texts.entries()) put(`prod/orders-${index}`, text)
    put('prod/current', 'orders-0')
    return { server, current: 'orders-0' }
  },
  async 'aws versions'(texts) {
    const server = await startSecretsManager()
    const secret = server.store.create('orders')
    const made = texts.map((text) => server.store.add(secret, { text }))
    server.store.stage(secret, 'AWSCURRENT', made[0])
    return { server, current: `orders:${made[0]?.id}` }
  },
}

describe('the text of a secret', () => {
  it.each(Object.entries(STORES))(
    'is not on the heap any more while its key is used: %s (KW3, A31)',
    {
      timeout: 120_000,
    },
    async (name, start) => {
      const texts = Array.from({ length: 3 }, () => randomBytes(32).toString('base64'))
      const { server, current } = await start(texts)
      const [file, authority] = [join(folder, `${name}.heapsnapshot`), join(folder, `${name}.pem`)]
      writeFileSync(authority, server.ca ?? '')
      const child = fileURLToPath(new URL('heap-child.ts', import.meta.url))
      const env = { ...process.env, ...(server.ca !== undefined && { NODE_EXTRA_CA_CERTS: authority }) }
      const args = ['--expose-gc', child, file, server.origin, ...name.split(' ')]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env })
      expect(stdout).toBe(`3 keys, current ${current}`)
      const heap = await readFile(file, 'latin1')
      for (const text of texts) {
        const parts = Array.from({ length: text.length - 15 }, (_, at) => text.slice(at, at + 16))
        expect(parts.filter((part) => heap.includes(part))).toEqual([])
      }
      // What is held is found, and so would have been the text of a key.
      expect(heap).toContain(current)
      await server.close()
    },
  )
})
