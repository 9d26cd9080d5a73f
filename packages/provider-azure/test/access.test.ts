import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { ServiceBusClient, type TokenCredential } from '@azure/service-bus'
import { createQueueClient } from '@queue-runtime/core'
import { type AzureProviderOptions, azureProvider } from '@queue-runtime/provider-azure'
import {
  CONDITION,
  type EmulatorOptions,
  type ServiceBusEmulator,
  startServiceBusEmulator,
} from '@queue-runtime/service-bus-emulator'
import { generate } from 'selfsigned'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { accept, codeOf, never, pause, send, take, wire } from './support.ts'

let tls: { key: string; cert: string }

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  tls = { key, cert }
  const known = getCACertificates()
  setDefaultCACertificates([...known, cert])
  return () => setDefaultCACertificates(known)
})

/** An emulator that ends with the test. */
const emulate = async (options: Partial<EmulatorOptions> = {}): Promise<ServiceBusEmulator> => {
  const emulator = await startServiceBusEmulator({
    queues: { orders: {}, jobs: { requiresSession: true } },
    ...options,
  })
  onTestFinished(() => emulator.close())
  return emulator
}

/** A transport that is closed before its emulator. */
const open = (options: AzureProviderOptions, queue = 'orders') => {
  const transport = azureProvider({ queues: { jobs: { sessions: true } }, logger: false, ...options }).open(queue)
  onTestFinished(() => transport.close())
  return transport
}

const withKey = ({ connectionString }: ServiceBusEmulator, name: string, key: string): AzureProviderOptions => ({
  connectionString: connectionString.replace(
    /SharedAccessKeyName=.*?;SharedAccessKey=.*?;/,
    `SharedAccessKeyName=${name};SharedAccessKey=${key};`,
  ),
})

const tokens = (...given: readonly string[]): { credential: TokenCredential; asked: unknown[] } => {
  const asked: unknown[] = []
  const credential: TokenCredential = {
    async getToken(scopes) {
      asked.push(scopes)
      const token = given[Math.min(asked.length, given.length) - 1] ?? ''
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
  return { credential, asked }
}

const RECEIVE = { maxMessages: 1, waitMs: 0, signal: never }

describe('a connection string', () => {
  it('with the right Send is enough for a router, and one with Listen for a bot (SC2, SC4, edge case 17)', async () => {
    const accessKeys = {
      router: { key: 'cm91dGVy', rights: ['Send'] as const },
      bot: { key: 'Ym90', rights: ['Listen'] as const },
    }
    const emulator = await emulate({ accessKeys })
    const [router, bot] = [open(withKey(emulator, 'router', 'cm91dGVy')), open(withKey(emulator, 'bot', 'Ym90'))]
    await send(router, wire('1'), wire('2'), wire('3'))
    expect(await router.probe?.({ signal: never })).toEqual({ depth: undefined })
    expect(await codeOf(router.receive(RECEIVE))).toBe('PermissionDenied')
    expect(await bot.probe?.({ signal: never })).toEqual({ depth: undefined })
    const delivery = await take(bot)
    await delivery.renewLock()
    await delivery.complete()
    await (await take(bot)).abandon({ delayMs: 0 })
    await (await take(bot)).deadLetter({ reason: 'r' })
    const letters = bot.deadLetters?.()
    if (letters === undefined) throw new Error('There should be dead letters.')
    await (await take(letters)).complete()
    await letters.close()
    expect(await codeOf(send(bot, wire('4')))).toBe('PermissionDenied')
    const jobs = open({ ...withKey(emulator, 'bot', 'Ym90') }, 'jobs')
    expect(await jobs.acceptSession?.({ sessionId: undefined, waitMs: 0, signal: never })).toBeNull()
    const others = open(withKey(emulator, 'router', 'cm91dGVy'), 'jobs')
    expect(await codeOf(accept(others, undefined, 0))).toBe('PermissionDenied')
  })

  it('that may not look at messages is told so, or that its queue is there (SC2, PA8)', async () => {
    const emulator = await emulate()
    const description = "Unauthorized access. 'Listen' claim(s) are required to perform this operation."
    emulator.inject('management', { error: CONDITION.unauthorized, description })
    const { connectionString } = emulator
    expect(await open({ connectionString }).probe?.({ signal: never })).toEqual({ depth: undefined })
    emulator.inject('attach', { error: CONDITION.unauthorized, description })
    expect(await codeOf(open({ connectionString }).probe?.({ signal: never }) ?? Promise.resolve())).toBe(
      'PermissionDenied',
    )
    // The SDK says that it is locked, whatever it is.
    expect(await codeOf(accept(open({ connectionString }, 'jobs'), 's', 0))).toBe('PermissionDenied')
  })

  it('with a wrong key, or an unknown one, is CredentialRejected (PA8)', async () => {
    const emulator = await emulate({ accessKeys: { app: { key: 'c2VjcmV0' } } })
    for (const [name, key] of [
      ['app', 'b3RoZXI='],
      ['other', 'c2VjcmV0'],
    ] as const) {
      const transport = open(withKey(emulator, name, key))
      expect(await codeOf(send(transport, wire('a')))).toBe('CredentialRejected')
      expect(await codeOf(transport.receive(RECEIVE))).toBe('CredentialRejected')
      expect(await codeOf(transport.probe?.({ signal: never }) ?? Promise.resolve())).toBe('CredentialRejected')
    }
  })

  it('of one queue is good for that, under any name (PA7)', async () => {
    const emulator = await emulate()
    const connectionString = `${emulator.connectionString}EntityPath=orders;`
    const transport = open({ connectionString, queues: { incoming: { path: 'orders' } } }, 'incoming')
    await send(transport, wire('a'))
    await (await take(transport)).deadLetter({ reason: 'r' })
    const letters = transport.deadLetters?.()
    if (letters === undefined) throw new Error('There should be dead letters.')
    expect((await take(letters)).message.deadLettered?.reason).toBe('r')
  })

  it('of a namespace speaks TLS (SC1)', async () => {
    const emulator = await emulate({ tls })
    expect(emulator.connectionString).not.toContain('UseDevelopmentEmulator')
    const transport = open({ connectionString: emulator.connectionString })
    await send(transport, wire('a'))
    expect((await take(transport)).message.deliveryCount).toBe(1)
  })

  it('does not speak to a server whose certificate nobody vouches for (SC1)', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])
    const emulator = await emulate({ tls: { key, cert } })
    expect(await codeOf(send(open({ connectionString: emulator.connectionString }), wire('a')))).toBe(
      'ConnectionFailed',
    )
  })
})

describe('a credential', () => {
  it('is asked for tokens of Service Bus, which go over TLS (PA7, SC7)', async () => {
    const emulator = await emulate({ tls, checkJwt: (token) => (token === 'good' ? ['Send', 'Listen'] : null) })
    const { credential, asked } = tokens('good')
    const transport = open({ namespace: emulator.host, credential })
    await send(transport, wire('a'))
    await (await take(transport)).complete()
    expect(new Set(asked.flat())).toEqual(new Set(['https://servicebus.azure.net//.default']))
    const bad = open({ namespace: emulator.host, credential: tokens('bad').credential })
    expect(await codeOf(send(bad, wire('a')))).toBe('CredentialRejected')
  })

  it('that fails is CredentialRejected, and one that comes back is taken (PA8, edge case 11)', async () => {
    const emulator = await emulate({ tls, checkJwt: (token) => (token === 'good' ? ['Send', 'Listen'] : null) })
    let isOut = true
    const credential: TokenCredential = {
      async getToken() {
        if (isOut) throw Object.assign(new Error('secret'), { name: 'CredentialUnavailableError' })
        return { token: 'good', expiresOnTimestamp: Date.now() + 3_600_000 }
      },
    }
    const transport = open({ namespace: emulator.host, credential })
    await expect(send(transport, wire('a'))).rejects.toMatchObject({
      code: 'CredentialRejected',
      message: expect.not.stringContaining('secret'),
    })
    isOut = false
    expect(await codeOf(send(transport, wire('a')))).toBe('done')
  })

  it.for([
    ['has ended', -1_000],
    ['ends in a minute', 60_000],
    ['ends in a hundred years', 3_155_760_000_000],
  ] as const)('is not asked over and over for a token that %s', async ([, lastsMs]) => {
    const emulator = await emulate({ tls })
    let asked = 0
    const credential: TokenCredential = {
      async getToken() {
        asked += 1
        return { token: 'good', expiresOnTimestamp: Date.now() + lastsMs }
      },
    }
    const transport = open({ namespace: emulator.host, credential })
    await send(transport, wire('a'))
    await pause(200)
    expect(asked).toBe(1)
  })

  it('is asked anew after the connection broke, and its new token goes (edge case 11)', async () => {
    let good = 'first'
    const emulator = await emulate({ tls, checkJwt: (token) => (token === good ? ['Send', 'Listen'] : null) })
    const { credential } = tokens('first', 'second')
    const transport = open({ namespace: emulator.host, credential })
    await send(transport, wire('a'))
    good = 'second'
    emulator.dropConnections()
    await pause(200)
    expect(await codeOf(send(transport, wire('b')))).toBe('done')
    expect(emulator.queue('orders').messages()).toHaveLength(2)
  })
})

describe("a client of one's own", () => {
  const RETRY = { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } }

  it('is used, and not closed (C21, PA7)', async () => {
    const emulator = await emulate()
    const client = new ServiceBusClient(emulator.connectionString, RETRY)
    onTestFinished(() => client.close())
    const transport = open({ client })
    await send(transport, wire('a'))
    expect(emulator.connections).toBe(1)
    await transport.close()
    const sender = client.createSender('orders')
    await sender.sendMessages({ body: 'b', messageId: 'b' })
    await sender.close()
    expect(emulator.connections).toBe(1)
    expect(emulator.queue('orders').messages()).toHaveLength(2)
  })

  it('accepts sessions, or another one does (PA3)', async () => {
    const emulator = await emulate()
    const clients = [1, 2].map(
      () =>
        new ServiceBusClient(emulator.connectionString, {
          retryOptions: { ...RETRY.retryOptions, timeoutInMs: 1_000 },
        }),
    )
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))))
    const [client, sessionClient] = clients
    if (client === undefined || sessionClient === undefined) throw new Error('There should be two clients.')
    for (const given of [{ client }, { client, sessionClient }]) {
      const transport = open(given, 'jobs')
      await send(transport, wire('a', { sessionId: 's' }))
      const session = await accept(transport)
      await (await take(session)).complete()
      await session.close()
    }
    expect(emulator.connections).toBe(2)
  })
})

describe('a connection', () => {
  it('is one for all queues of a provider, a second one for sessions, and ends with the last of them (PA3, A19)', async () => {
    const emulator = await emulate({ queues: { a: {}, b: {}, jobs: { requiresSession: true } } })
    const provider = azureProvider({
      connectionString: emulator.connectionString,
      queues: { jobs: { sessions: true } },
    })
    const [a, b, jobs] = ['a', 'b', 'jobs'].map((queue) => provider.open(queue))
    if (a === undefined || b === undefined || jobs === undefined) throw new Error('There should be three queues.')
    await Promise.all([send(a, wire('1')), send(b, wire('2')), send(jobs, wire('3', { sessionId: 's' }))])
    await take(a)
    expect(emulator.connections).toBe(1)
    const session = await accept(jobs)
    expect(emulator.connections).toBe(2)
    await session.close()
    await Promise.all([a.close(), jobs.close()])
    await pause(50)
    expect(emulator.connections).toBe(2)
    expect(await codeOf(send(b, wire('4')))).toBe('done')
    await b.close()
    while (emulator.connections > 0) await pause(10)
    // Whoever opens a queue again connects again.
    const again = provider.open('b')
    await send(again, wire('5'))
    expect(emulator.connections).toBe(1)
    await again.close()
    expect(emulator.queue('b').messages()).toHaveLength(3)
  })

  it('is closed in time though the SDK never finishes to', async () => {
    const emulator = await emulate()
    const client = new ServiceBusClient(emulator.connectionString)
    onTestFinished(() => client.close())
    const createSender: ServiceBusClient['createSender'] = (path) => {
      const sender = client.createSender(path)
      return Object.assign(sender, { close: () => new Promise<void>(() => {}) })
    }
    const stuck = Object.assign(Object.create(client), { createSender })
    const transport = azureProvider({ client: stuck, logger: false }).open('orders')
    await send(transport, wire('a'))
    const begunAt = performance.now()
    await transport.close()
    expect(performance.now() - begunAt).toBeLessThan(4_000)
  })

  it('is closed in time though its server is gone, and the process may end', { timeout: 30_000 }, async () => {
    const script = fileURLToPath(new URL('closing-child.ts', import.meta.url))
    const run = async (isLeft: boolean): Promise<[output: string, code: number, ms: number]> => {
      const emulator = await emulate()
      const child = spawn(process.execPath, [script, emulator.connectionString, 'orders', ...(isLeft ? ['left'] : [])])
      onTestFinished(() => void child.kill())
      let output = ''
      child.stderr.on('data', (data) => {
        output += data
      })
      child.stdout.on('data', (data) => {
        output += data
        if (isLeft && output === 'ready\n') void emulator.close().then(() => child.stdin.write('go\n'))
      })
      const begunAt = performance.now()
      const [code] = await once(child, 'exit')
      return [output, code, performance.now() - begunAt]
    }
    for (const [output, code, ms] of await Promise.all([run(false), run(true)])) {
      expect([output, code]).toEqual(['ready\nclosed\n', 0])
      expect(ms).toBeLessThan(15_000)
    }
  })
})

it('a client of core that has only to send needs no more than that (SC2, PA7)', async () => {
  const emulator = await emulate({ accessKeys: { router: { key: 'cm91dGVy', rights: ['Send'] } } })
  const provider = azureProvider(withKey(emulator, 'router', 'cm91dGVy'))
  const client = createQueueClient({ provider, queue: 'orders', logger: false, retry: false })
  await client.send({ body: 'a' })
  expect(await client.health()).toEqual({ depth: undefined })
  await client.close()
})
