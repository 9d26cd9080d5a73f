import { createHmac } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { AccessToken, TokenCredential } from '@azure/core-auth'
import { ServiceBusClient } from '@azure/service-bus'
import { fakeClock } from '@queue-runtime/core/testing'
import { generate } from 'selfsigned'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createAccess } from '../src/access.ts'
import { CONDITION, type ServiceBusEmulator, type TlsOptions } from '../src/index.ts'
import {
  bodiesOf,
  bodyOf,
  codeOf,
  connect,
  deadLettersOf,
  emulate,
  IMPATIENT,
  listen,
  message,
  send,
  take,
  takeDeferred,
  takeOne,
} from './support.ts'

let tls: TlsOptions

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  tls = { key, cert }
  const known = getCACertificates()
  setDefaultCACertificates([...known, cert])
  return () => setDefaultCACertificates(known)
})

const withKey = (emulator: ServiceBusEmulator, name: string, key: string): ServiceBusClient => {
  const connectionString = emulator.connectionString.replace(
    /SharedAccessKeyName=.*?;SharedAccessKey=.*?;/,
    `SharedAccessKeyName=${name};SharedAccessKey=${key};`,
  )
  const client = new ServiceBusClient(connectionString, IMPATIENT)
  onTestFinished(() => client.close())
  return client
}

const withToken = (emulator: ServiceBusEmulator, token: string, scopes: unknown[] = []): ServiceBusClient => {
  const credential: TokenCredential = {
    async getToken(asked): Promise<AccessToken> {
      scopes.push(asked)
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
  const client = new ServiceBusClient(emulator.host, credential, IMPATIENT)
  onTestFinished(() => client.close())
  return client
}

test('without keys any name and key will do', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  expect(await codeOf(send(withKey(emulator, 'anybody', 'anything'), 'orders', message('a')))).toBe('done')
})

test('with keys only a token that is signed with one of them is taken', async () => {
  const emulator = await emulate({ queues: ['orders'], accessKeys: { app: { key: 'c2VjcmV0' } } })
  const codes = [
    codeOf(send(connect(emulator), 'orders', message('a'))),
    codeOf(send(withKey(emulator, 'app', 'b3RoZXI='), 'orders', message('a'))),
    codeOf(send(withKey(emulator, 'other', 'c2VjcmV0'), 'orders', message('a'))),
  ]
  expect(await Promise.all(codes)).toEqual(['done', 'UnauthorizedAccess', 'UnauthorizedAccess'])
})

test('a token is refused once it has expired', async () => {
  const clock = fakeClock(Date.now() + 2 * 3_600_000)
  const emulator = await emulate({ queues: ['orders'], accessKeys: { app: { key: 'c2VjcmV0' } }, clock })
  expect(await codeOf(send(connect(emulator), 'orders', message('a')))).toBe('UnauthorizedAccess')
})

test('a key that may only send cannot receive, and the other way round', async () => {
  const accessKeys = {
    router: { key: 'cm91dGVy', rights: ['Send'] as const },
    bot: { key: 'Ym90', rights: ['Listen'] as const },
  }
  const emulator = await emulate({ queues: ['orders'], accessKeys })
  const [router, bot] = [withKey(emulator, 'router', 'cm91dGVy'), withKey(emulator, 'bot', 'Ym90')]
  await send(router, 'orders', message('a'))
  expect(await codeOf(take(listen(router, 'orders'), 1))).toBe('UnauthorizedAccess')
  expect(await codeOf(send(bot, 'orders', message('b')))).toBe('UnauthorizedAccess')
  expect(bodyOf(await takeOne(listen(bot, 'orders')))).toBe('a')
})

test('the management node asks for Send to schedule, and for Listen for all else', async () => {
  const accessKeys = {
    router: { key: 'cm91dGVy', rights: ['Send'] as const },
    bot: { key: 'Ym90', rights: ['Listen'] as const },
  }
  const emulator = await emulate({ queues: { orders: {}, jobs: { requiresSession: true } }, accessKeys })
  const [router, bot] = [withKey(emulator, 'router', 'cm91dGVy'), withKey(emulator, 'bot', 'Ym90')]
  const later = new Date(Date.now() + 3_600_000)
  const byRouter = router.createSender('orders')
  const byBot = bot.createSender('orders')
  const [scheduled] = await byRouter.scheduleMessages(message('a'), later)
  if (scheduled === undefined) throw new Error('There should be a number.')
  expect(await codeOf(byBot.scheduleMessages(message('b'), later))).toBe('UnauthorizedAccess')
  expect(await codeOf(byBot.cancelScheduledMessages(scheduled))).toBe('UnauthorizedAccess')
  expect(await codeOf(byRouter.cancelScheduledMessages(scheduled))).toBe('done')

  await byRouter.sendMessages(message('c'))
  const [atRouter, atBot] = [listen(router, 'orders'), listen(bot, 'orders')]
  expect(await codeOf(atRouter.peekMessages(1))).toBe('UnauthorizedAccess')
  expect(await codeOf(deadLettersOf(router, 'orders').peekMessages(1))).toBe('UnauthorizedAccess')
  expect(bodiesOf(await atBot.peekMessages(1))).toEqual(['c'])
  const taken = await takeOne(atBot)
  expect(await codeOf(atRouter.renewMessageLock(taken))).toBe('UnauthorizedAccess')
  expect(await codeOf(atBot.renewMessageLock(taken))).toBe('done')
  await atBot.deferMessage(taken)
  expect(await codeOf(takeDeferred(atRouter, taken))).toBe('UnauthorizedAccess')
  const deferred = await takeDeferred(atBot, taken)
  expect(await codeOf(atBot.completeMessage(deferred))).toBe('done')

  await send(router, 'jobs', message('d', { sessionId: 's' }))
  const session = await bot.acceptSession('jobs', 's')
  expect(await codeOf(session.renewSessionLock())).toBe('done')
  expect(await codeOf(session.setSessionState('state'))).toBe('done')
})

test('over TLS a credential is asked for a token of Service Bus, and what it says goes', async () => {
  const emulator = await emulate({ queues: ['orders'], tls, checkJwt: (token) => (token === 'good' ? ['Send'] : null) })
  const scopes: unknown[] = []
  const good = withToken(emulator, 'good', scopes)
  await send(good, 'orders', message('a'))
  expect(new Set(scopes.flat())).toEqual(new Set(['https://servicebus.azure.net//.default']))
  expect(await codeOf(take(listen(good, 'orders'), 1))).toBe('UnauthorizedAccess')
  expect(await codeOf(send(withToken(emulator, 'bad'), 'orders', message('b')))).toBe('UnauthorizedAccess')
  expect(emulator.queue('orders').messages()).toHaveLength(1)
})

test('over TLS a connection string does as well', async () => {
  const emulator = await emulate({ queues: ['orders'], tls })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  expect(bodyOf(await takeOne(listen(client, 'orders')))).toBe('a')
  expect(emulator.connectionString).not.toContain('UseDevelopmentEmulator')
})

test('a fault on a token is told as its status', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  emulator.inject('cbs', { error: CONDITION.unauthorized }, { queue: 'orders', times: 1 })
  const client = connect(emulator)
  expect(await codeOf(send(client, 'orders', message('a')))).toBe('UnauthorizedAccess')
  expect(await codeOf(send(client, 'orders', message('a')))).toBe('done')
})

test('a token for one queue says nothing about another', async () => {
  const resource = encodeURIComponent('sb://host/orders')
  const signature = createHmac('sha256', 'secret').update(`${resource}\n9999999999`).digest('base64')
  const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=9999999999&skn=app`
  const { check } = createAccess({ accessKeys: { app: { key: 'secret' } }, checkJwt: undefined, clock: fakeClock() })
  const type = 'servicebus.windows.net:sastoken'
  expect(check(type, token, 'sb://host/orders/$management')).toEqual(['Send', 'Listen', 'Manage'])
  expect(check(type, token, 'sb://host/jobs')).toBeNull()
  expect(check('unknown', token, 'sb://host/orders')).toBeNull()
})
