import { inspect } from 'node:util'
import { ServiceBusClient } from '@azure/service-bus'
import { type AzureProviderOptions, azureProvider } from '@queue-runtime/provider-azure'
import { describe, expect, it } from 'vitest'
import { targetOf } from '../src/queue-names.ts'
import { longestCallMs, talkativeVariables } from '../src/warnings.ts'
import { local, never, wire } from './support.ts'

const KEY = 'wJalrXUtnFEMI='
const STRING = `Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=${KEY}`
const LOCAL = `Endpoint=sb://localhost;SharedAccessKeyName=app;SharedAccessKey=${KEY};UseDevelopmentEmulator=true;`

const client = new ServiceBusClient(STRING)
const credential = { getToken: async () => null }

const thrown = (make: () => unknown): unknown => {
  try {
    make()
  } catch (error) {
    return error
  }
  throw new Error('It should have thrown.')
}

const wrong: readonly (readonly [string, string, object])[] = [
  ['no way to a namespace', 'connectionString', {}],
  ['an unknown name', 'conectionString', { conectionString: STRING }],
  ['an empty connection string', 'connectionString', { connectionString: '' }],
  ['a connection string without an endpoint', 'connectionString', { connectionString: STRING.slice(50) }],
  ['an endpoint of another kind', 'connectionString', { connectionString: STRING.replace('sb:', 'https:') }],
  ['a connection string with an empty key', 'connectionString', { connectionString: STRING.replace(KEY, '') }],
  ['one with an empty name of a key', 'connectionString', { connectionString: STRING.replace('app', ' ') }],
  ['one for a queue without a name', 'connectionString', { connectionString: `${STRING};EntityPath=` }],
  [
    'a server without TLS elsewhere (SC1)',
    'connectionString',
    { connectionString: LOCAL.replace('localhost', 'localhost.example') },
  ],
  ['an empty namespace', 'namespace', { namespace: '', credential }],
  ['a namespace with a protocol', 'namespace', { namespace: 'sb://shop.servicebus.windows.net', credential }],
  ['a namespace without a credential', 'credential', { namespace: 'shop.servicebus.windows.net' }],
  ['a credential that is none', 'credential', { namespace: 'shop.servicebus.windows.net', credential: {} }],
  ['a credential alone', 'connectionString', { credential }],
  ['a credential beside a connection string', 'credential', { connectionString: STRING, credential }],
  ['two ways', 'namespace', { connectionString: STRING, namespace: 'shop.servicebus.windows.net', credential }],
  ['a client beside a connection string', 'client', { connectionString: STRING, client }],
  ['a client that is none', 'client', { client: {} }],
  ['a client for sessions alone', 'sessionClient', { connectionString: STRING, sessionClient: client }],
  ['queues that are none', 'queues', { client, queues: 'orders' }],
  ['an unknown name of a queue', 'queues.a.session', { client, queues: { a: { session: true } } }],
  ['sessions that are neither', 'queues.a.sessions', { client, queues: { a: { sessions: 'yes' } } }],
  ['a path that Service Bus does not take', 'queues.a.path', { client, queues: { a: { path: '/a' } } }],
  ['a path of 261 characters (PA10)', 'queues.a.path', { client, queues: { a: { path: 'a'.repeat(261) } } }],
  ['a logger that is none', 'logger', { client, logger: {} }],
  ['a clock that is none', 'clock', { client, clock: Date }],
]

describe('azureProvider refuses', () => {
  it.for(wrong)('%s, and names it (PA7, C23, A16)', ([, field, options]) => {
    const error = thrown(() => azureProvider(options as AzureProviderOptions))
    expect(error).toMatchObject({ code: 'Configuration', facts: { field } })
    expect(String(error)).not.toContain(KEY.slice(0, 6))
  })

  it('a queue that its connection string is not for (PA7)', () => {
    const provider = azureProvider({
      connectionString: `${STRING};EntityPath=orders`,
      queues: { a: { path: 'orders' } },
    })
    expect(provider.open('orders').features.sessionIds).toBe('allowed')
    expect(provider.open('a')).toBeDefined()
    expect(thrown(() => provider.open('other'))).toMatchObject({
      code: 'Configuration',
      facts: { field: 'connectionString' },
    })
  })
})

it.for<AzureProviderOptions>([
  { connectionString: STRING },
  { connectionString: LOCAL },
  { connectionString: LOCAL.replace('localhost', '127.0.0.1:5672') },
  { connectionString: 'Endpoint=sb://a.example;SharedAccessSignature=SharedAccessSignature sr=a&sig=b' },
  { namespace: 'shop.servicebus.windows.net', credential },
  { client },
  { client, sessionClient: client, queues: { a: { path: 'x/y.z_1-2', sessions: true } }, logger: false },
])('a provider connects to nothing before the first call: %#', (options) => {
  const provider = azureProvider(options)
  expect(provider.name).toBe('servicebus')
  expect(provider.open('a').lockMs).toBeUndefined()
})

it('a provider shows no credentials (C24, A17)', () => {
  const provider = azureProvider({ connectionString: STRING })
  for (const one of [provider, provider.open('orders')]) {
    expect(inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).not.toContain(KEY.slice(0, 6))
  }
})

describe('a queue', () => {
  it('has sessions where its option says so (PA2)', () => {
    const provider = azureProvider({ client, queues: { a: { sessions: true }, b: { sessions: false }, c: {} } })
    const [a, b, c] = ['a', 'b', 'c'].map((queue) => provider.open(queue))
    expect([a, b, c].map((queue) => queue?.features.sessionIds)).toEqual(['required', 'allowed', 'allowed'])
    expect([a, b, c].map((queue) => queue?.acceptSession !== undefined)).toEqual([true, false, false])
  })

  it('with sessions gives nothing to a plain receive, and says so (PA2)', async () => {
    const { open, queue: make } = here()
    const transport = open(make({ requiresSession: true }))
    const receiving = transport.receive({ maxMessages: 1, waitMs: 0, signal: never })
    await expect(receiving).rejects.toMatchObject({ code: 'Unsupported', facts: { feature: 'receive' } })
  })

  it('is never one of those that every object has', () => {
    expect(targetOf('constructor', {}, undefined)).toEqual({ path: 'constructor', sessions: false })
  })

  it('is closed once, and then answers ClientClosed (C21)', async () => {
    const { open, queue: make } = here()
    const transport = open(make())
    await transport.close()
    await transport.close()
    const options = { signal: never }
    for (const call of [
      () => transport.send([wire('a')], options),
      () => transport.receive({ maxMessages: 1, waitMs: 0, ...options }),
      async () => transport.probe?.(options),
      async () => transport.deadLetters?.(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ClientClosed' })
    }
  })
})

const here = local()

/** What was warned of while a provider with these options was used once. */
const warnings = async (options: Partial<AzureProviderOptions>): Promise<unknown[]> => {
  const { open, queue: make } = here()
  const lines: unknown[] = []
  const logger = { debug() {}, info() {}, error() {}, warn: (fields: object) => void lines.push(fields) }
  const [queue, other] = [make(), make()]
  await open(queue, { ...options, logger }).probe?.({ signal: never })
  await open(other, { ...options, logger: false }).probe?.({ signal: never })
  return lines
}

describe('a warning is logged, once', () => {
  it('of a client that may hang for minutes (PA7)', async () => {
    const { emulator } = here()
    const clients = [{}, { maxRetries: 0, timeoutInMs: 10_000 }].map(
      (retryOptions) => new ServiceBusClient(emulator.connectionString, { retryOptions }),
    )
    const lines = await Promise.all(clients.map((one) => warnings({ client: one })))
    expect(lines).toEqual([[{ longest_call_ms: 330_000 }], []])
    await Promise.all(clients.map((one) => one.close()))
  })

  it('of nothing where all is as it should be', async () => {
    expect(await warnings({})).toEqual([])
  })

  it('of variables with which the SDK prints secrets', async () => {
    const before = process.env.AZURE_LOG_LEVEL
    process.env.AZURE_LOG_LEVEL = 'Verbose'
    try {
      expect(await warnings({})).toEqual([{ variable: 'AZURE_LOG_LEVEL' }])
    } finally {
      if (before === undefined) delete process.env.AZURE_LOG_LEVEL
      else process.env.AZURE_LOG_LEVEL = before
    }
  })
})

it.for<readonly [NodeJS.ProcessEnv, string[]]>([
  [{}, []],
  [{ AZURE_LOG_LEVEL: 'info', DEBUG: 'express:*' }, []],
  [{ AZURE_LOG_LEVEL: 'verbose' }, ['AZURE_LOG_LEVEL']],
  [{ DEBUG: 'rhea*' }, ['DEBUG']],
  [{ DEBUG: 'express:*, rhea:frames' }, ['DEBUG']],
  [{ DEBUG: '*' }, ['DEBUG']],
  [{ DEBUG: 'azure*' }, ['DEBUG']],
  [{ DEBUG: '*,-rhea*,-azure*' }, []],
  [{ DEBUG: 'rhea.frames' }, []],
  [{ AZURE_LOG_LEVEL: 'verbose', DEBUG: 'rhea*' }, ['AZURE_LOG_LEVEL', 'DEBUG']],
])('%j lets the SDK print secrets: %j', ([environment, variables]) => {
  expect(talkativeVariables(environment)).toEqual(variables)
})

it.for<readonly [object, number]>([
  [{}, 330_000],
  [{ maxRetries: 0 }, 60_000],
  [{ maxRetries: 0, timeoutInMs: 10_000 }, 10_000],
  [{ maxRetries: 1, timeoutInMs: 10_000, retryDelayInMs: 500 }, 20_500],
])('a call of a client with %j takes %i ms at most', ([retryOptions, expected]) => {
  expect(longestCallMs(new ServiceBusClient(STRING, { retryOptions }))).toBe(expected)
})
