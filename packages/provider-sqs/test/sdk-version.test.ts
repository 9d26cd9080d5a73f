import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { SQSClient } from '@aws-sdk/client-sqs'
import { expect, it } from 'vitest'
import { checkSdk } from '../src/sdk-version.ts'
import { local, never, wire } from './support.ts'

const here = local()
/** The folder of the package, whose entry lies in one below it. */
const oldest = dirname(dirname(fileURLToPath(import.meta.resolve('client-sqs-oldest'))))
const folder = fileURLToPath(new URL('..', import.meta.url))

/** Of an SDK client, what tells its version. */
const clientOf = (version: string): SQSClient => {
  const config = { defaultUserAgentProvider: async () => [['aws-sdk-js', version]] }
  return { config, send: async () => ({}), destroy() {} } as unknown as SQSClient
}

it.for(['2.1692.0', '3.900.0', '3.0.0', '4.0.0', 'none'])(
  'SDK %s is refused at the first call, with its version (A39)',
  async (version) => {
    const transport = here().open('orders', { client: clientOf(version) })
    await expect(transport.send([wire('a')], { signal: never })).rejects.toMatchObject({
      code: 'Configuration',
      facts: { field: 'client' },
      message: expect.stringContaining(version),
    })
  },
)

it.for(['3.901.0', '3.1169.0'])('SDK %s is taken (A39)', async (version) => {
  await expect(checkSdk(clientOf(version))).resolves.toBeUndefined()
})

it('a client that tells no version is taken (A39)', async () => {
  await expect(checkSdk({} as SQSClient)).resolves.toBeUndefined()
})

it('the program of the README runs on the oldest SDK that is promised (A39)', async () => {
  const { sqs } = here()
  await sqs.createQueue('orders.fifo')
  const home = mkdtempSync(join(tmpdir(), 'oldest-sdk-'))
  try {
    const modules = join(home, 'node_modules')
    mkdirSync(join(modules, '@aws-sdk'), { recursive: true })
    mkdirSync(join(modules, '@queue-runtime', 'provider-sqs'), { recursive: true })
    symlinkSync(oldest, join(modules, '@aws-sdk/client-sqs'))
    for (const name of ['core', 'crypto']) symlinkSync(join(folder, '..', name), join(modules, '@queue-runtime', name))
    // A copy: what is linked finds the SDK of this repository.
    for (const part of ['dist', 'package.json'])
      cpSync(join(folder, part), join(modules, '@queue-runtime/provider-sqs', part), { recursive: true })
    const [, program = ''] = /^```js\n(.*?)^```/ms.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    const env = { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
    const seen =
      "import { SQSClient } from '@aws-sdk/client-sqs'\nconsole.log(await new SQSClient({}).config.defaultUserAgentProvider())\n"
    const text = `${seen}${program.replace(/endpoint: '.*?'/, `endpoint: '${sqs.endpoint}'`)}`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', text], {
      cwd: home,
      env,
    })
    expect(stdout).toContain("'3.901.0'")
    expect(stdout).toContain('{ order: 7 } customer-1')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
