import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startSecretsManager } from '@queue-runtime/secrets-manager-emulator'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${folder}/README.md`, 'utf8')

it('the program of the README runs as it stands, with what the SDK finds in the environment', async () => {
  const manager = await startSecretsManager({ tls: ['localhost'] })
  const scratch = mkdtempSync(join(tmpdir(), 'readme-'))
  const authority = join(scratch, 'ca.pem')
  writeFileSync(authority, manager.ca ?? '')
  const program = /^```js\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  const env = {
    ...{ PATH: process.env.PATH, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    AWS_ENDPOINT_URL_SECRETS_MANAGER: manager.origin,
    // Where a root of one's own is all that Node lacks.
    NODE_EXTRA_CA_CERTS: authority,
  }
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, env })
  expect(await run).toMatchObject({ stdout: 'orders-2026-11\n', stderr: '' })
  await manager.close()
  rmSync(scratch, { recursive: true })
})

it('the README is no longer than a screen or two', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(61)
})
