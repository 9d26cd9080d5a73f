import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ServiceBusClient } from '@azure/service-bus'
import { providerKit } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { azureProvider } from '@queue-runtime/provider-azure'
import { ServiceBusClient as OldestClient } from 'service-bus-oldest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkSdk } from '../src/sdk-version.ts'
import { serviceBus } from './subjects.ts'
import { local, never, wire } from './support.ts'

const here = local()
/** The folder of the package, whose entry lies in one below it. */
const oldest = dirname(dirname(fileURLToPath(import.meta.resolve('service-bus-oldest'))))
const folder = fileURLToPath(new URL('..', import.meta.url))

/** Of an SDK client, what tells its version. */
const clientOf = (version: string): ServiceBusClient => {
  const unused = (): never => {
    throw new Error('It should not have been used.')
  }
  const methods = { createSender: unused, createReceiver: unused, acceptSession: unused }
  const _connectionContext = { connection: { options: { properties: { version } } } }
  return { ...methods, _connectionContext } as unknown as ServiceBusClient
}

it.for(['1.1.10', '7.8.1', '7.9.2', '8.0.0', 'none'])(
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

it.for(['7.9.3', '7.9.5', '7.10.0', '7.12.1'])('SDK %s is taken (A39)', (version) => {
  expect(() => checkSdk(clientOf(version))).not.toThrow()
})

it('a client that tells no version is taken (A39)', () => {
  expect(() => checkSdk({} as ServiceBusClient)).not.toThrow()
})

it('the SDK that is installed tells its version where it is looked for (A39)', () => {
  const seen: unknown[] = []
  for (const SdkClient of [ServiceBusClient, OldestClient]) {
    const client = new SdkClient('Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b')
    const { _connectionContext } = client as unknown as ReturnType<typeof inside>
    seen.push(_connectionContext.connection.options.properties.version)
  }
  expect(seen).toEqual([expect.stringMatching(/^7\.9\.5$/), '7.9.3'])
})

const inside = () => ({ _connectionContext: { connection: { options: { properties: { version: '' } } } } })

it('the program of the README runs on the oldest SDK that is promised (A39)', async () => {
  const { emulator } = here()
  emulator.addQueue('orders', { requiresSession: true })
  const home = mkdtempSync(join(tmpdir(), 'oldest-sdk-'))
  try {
    const modules = join(home, 'node_modules')
    mkdirSync(join(modules, '@azure'), { recursive: true })
    mkdirSync(join(modules, '@queue-runtime', 'provider-azure'), { recursive: true })
    symlinkSync(oldest, join(modules, '@azure/service-bus'))
    for (const name of ['core', 'crypto']) symlinkSync(join(folder, '..', name), join(modules, '@queue-runtime', name))
    // A copy: what is linked finds the SDK of this repository.
    for (const part of ['dist', 'package.json'])
      cpSync(join(folder, part), join(modules, '@queue-runtime/provider-azure', part), { recursive: true })
    const [, program = ''] = /^```js\n(.*?)^```/ms.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    const seen =
      "import { ServiceBusClient } from '@azure/service-bus'\nconsole.log(new ServiceBusClient(process.env.SERVICE_BUS)._connectionContext.connection.options.properties.version)\n"
    const env = { PATH: process.env.PATH, SERVICE_BUS: emulator.connectionString }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', seen + program], {
      cwd: home,
      env,
    })
    expect(stdout).toBe('7.9.3\n{ order: 7 } customer-1\n')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

const clients: ServiceBusClient[] = []
beforeAll(() => {
  for (const timeoutInMs of [10_000, 2_000]) {
    const retryOptions = { maxRetries: 0, timeoutInMs }
    clients.push(new OldestClient(here().emulator.connectionString, { retryOptions }) as unknown as ServiceBusClient)
  }
})
afterAll(async () => void (await Promise.all(clients.map((client) => client.close()))))

const subject = serviceBus(() => here().emulator)

describeCases(
  providerKit,
  {
    ...subject,
    name: 'Service Bus, by the oldest SDK',
    async setUp() {
      const setup = await subject.setUp()
      const [client, sessionClient] = clients
      const queues = { [setup.sessionQueue ?? '']: { sessions: true } }
      return { ...setup, provider: azureProvider({ client, sessionClient, queues, logger: false }) }
    },
  },
  { concurrent: true },
)
