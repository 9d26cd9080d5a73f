import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startLocalServer } from '@queue-runtime/local-server'
import { startServiceBusEmulator } from '@queue-runtime/service-bus-emulator'
import { generate } from 'selfsigned'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${folder}README.md`, 'utf8')
const [, program = ''] = /^```js\n(.*?)^```/ms.exec(readme) ?? []
const queues = { orders: { requiresSession: true } }

/** Runs a program of a user. */
const run = async (text: string, environment: Readonly<Record<string, string>>): Promise<string> => {
  const env = { PATH: process.env.PATH, NO_COLOR: '1', ...environment }
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', text], { cwd: folder, env })
  const { stdout, stderr } = await running
  return stdout + stderr
}

describe('the program of the README', () => {
  it('prints what it says, and needs only a connection string', async () => {
    const emulator = await startServiceBusEmulator({ queues })
    expect(await run(program, { SERVICE_BUS: emulator.connectionString })).toBe('{ order: 7 } customer-1\n')
    expect(emulator.queue('orders').messages()).toEqual([])
    await emulator.close()
  })

  it('runs over TLS without a secret, as the README says, with the managed identity that DefaultAzureCredential finds', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const seen: string[] = []
    const checkJwt = (token: string): readonly ('Send' | 'Listen')[] => {
      seen.push(token)
      return ['Send', 'Listen']
    }
    const emulator = await startServiceBusEmulator({ queues, tls: { key, cert }, checkJwt })
    const identity = await startLocalServer({
      name: ({ url }) => ({ operation: 'token', subject: url.searchParams.get('resource') ?? '' }),
      answer: () => ({
        status: 200,
        body: {
          access_token: 'a-token',
          expires_on: String(Math.floor(Date.now() / 1_000) + 3_600),
          token_type: 'Bearer',
        },
      }),
    })
    const scratch = mkdtempSync(join(tmpdir(), 'readme-'))
    const authority = join(scratch, 'ca.pem')
    writeFileSync(authority, cert)
    const [, inside = ''] = /azureProvider\(\{ (namespace: .*?) \}\)/.exec(readme) ?? []
    const withCredential = program
      .replace(/^ {2}connectionString:.*$/m, `  ${inside.replace('shop.servicebus.windows.net', emulator.host)},`)
      .replace(/^/, "import { DefaultAzureCredential } from '@azure/identity'\n")
    const output = await run(withCredential, {
      IDENTITY_ENDPOINT: `${identity.origin}/msi/token`,
      IDENTITY_HEADER: 'local',
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
      NODE_EXTRA_CA_CERTS: authority,
    })
    expect(output).toBe('{ order: 7 } customer-1\n')
    expect(new Set(seen)).toEqual(new Set(['a-token']))
    expect(identity.calls[0]?.subject).toMatch(/^https:\/\/servicebus\.azure\.net\/?/)
    await identity.close()
    await emulator.close()
    rmSync(scratch, { recursive: true })
  })
})

it('the README has at most 60 lines (style.md)', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(61)
})
