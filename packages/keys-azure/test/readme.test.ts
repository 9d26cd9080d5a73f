import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startKeyVault } from '@queue-runtime/key-vault-emulator'
import { startLocalServer } from '@queue-runtime/local-server'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${folder}/README.md`, 'utf8')

it('the program of the README runs as it stands, with the managed identity that DefaultAzureCredential finds', async () => {
  const vault = await startKeyVault({ tls: ['localhost'] })
  const identity = await startLocalServer({
    name: ({ url }) => ({ operation: 'token', subject: url.searchParams.get('resource') ?? '' }),
    answer: () => ({ status: 200, body: { access_token: 'a-token', expires_on: '4000000000', token_type: 'Bearer' } }),
  })
  const scratch = mkdtempSync(join(tmpdir(), 'readme-'))
  const authority = join(scratch, 'ca.pem')
  writeFileSync(authority, vault.ca ?? '')
  const program = /^```js\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  const env = {
    PATH: process.env.PATH,
    VAULT_URL: vault.origin,
    IDENTITY_ENDPOINT: `${identity.origin}/msi/token`,
    IDENTITY_HEADER: 'local',
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    // Where a root of one's own is all that Node lacks.
    NODE_EXTRA_CA_CERTS: authority,
  }
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, env })
  expect(await run).toMatchObject({ stdout: 'orders-2026-11\n', stderr: '' })
  expect(identity.calls[0]).toEqual({ operation: 'token', subject: 'https://vault.azure.net' })
  await identity.close()
  await vault.close()
  rmSync(scratch, { recursive: true })
})

it('the README is no longer than a screen or two', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(61)
})
