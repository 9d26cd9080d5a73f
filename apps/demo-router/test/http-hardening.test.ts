import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { QueueSender } from '@queue-runtime/core'
import type { InjectOptions } from 'fastify'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCounters } from '../src/counters.ts'
import { perQueue, ROUTES } from '../src/github/routes.ts'
import { githubSessions } from '../src/github/sessions.ts'
import { createRouter } from '../src/router.ts'
import { createServer, type ServerOptions } from '../src/server.ts'
import { recordingLogger } from './helpers.ts'

const SECRET = 'It is a secret to everybody'
const body = JSON.stringify({ action: 'opened', issue: { number: 7 } })
const sign = (payload: Buffer | string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`

const headersOf = (payload: Buffer | string = body, secret = SECRET) => ({
  'x-hub-signature-256': sign(payload, secret),
  'x-github-event': 'issues',
  'x-github-delivery': '0b989ba4-242f-11e5-81e1-c7b6966d2516',
})

const start = (options: Partial<ServerOptions> & { previousSecret?: string } = {}) => {
  const sent: string[] = []
  const senders = perQueue(
    (queue): Pick<QueueSender, 'send'> => ({
      async send({ messageId = 'none' }) {
        sent.push(queue)
        return { messageId }
      },
    }),
  )
  const { previousSecret, ...others } = options
  const { logger, lines } = recordingLogger()
  const counters = createCounters()
  const router = createRouter({
    ...{ secret: SECRET, routes: ROUTES, sessions: githubSessions, senders, logger },
    ...(previousSecret !== undefined && { previousSecret }),
  })
  const app = createServer({ router, counters, logger, bodyLimit: 4_096, ...others })
  onTestFinished(async () => {
    app.server.closeAllConnections()
    await app.close()
  })
  const post = (more: InjectOptions = {}) =>
    app.inject({ method: 'POST', url: '/webhooks/github', payload: body, headers: headersOf(), ...more })
  const guess = (more: InjectOptions = {}) =>
    post({ ...more, headers: { ...headersOf(body, 'guess'), ...more.headers } })
  return { app, post, guess, sent, counters, lines }
}

const listen = async (options: Partial<ServerOptions> = {}) => {
  const house = start(options)
  await house.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = house.app.server.address() as AddressInfo

  /** Writes bytes to a connection of its own, and resolves with all that comes back until it is closed. */
  const write = async (...parts: readonly (string | Buffer)[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    await once(socket, 'connect')
    for (const part of parts) socket.write(part)
    await once(socket, 'close')
    return text
  }

  /** Asks for one good delivery, as the proof that the server is well. */
  const isWell = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/webhooks/github`, {
      ...{ method: 'POST', body },
      headers: headersOf(),
    })
    return response.status === 202
  }
  return { ...house, port, write, isWell }
}

const request = (headers: readonly string[], payload: string | Buffer = body): Buffer =>
  Buffer.concat([
    Buffer.from(['POST /webhooks/github HTTP/1.1', 'host: x', 'connection: close', ...headers, '', ''].join('\r\n')),
    Buffer.from(payload),
  ])

const lines = (headers: Record<string, string>): string[] => Object.entries(headers).map((pair) => pair.join(': '))

/** Bytes out of a seed: the same ones in each run. */
const noise = (seed: number, length: number): Buffer => {
  let state = seed
  return Buffer.from(
    Array.from({ length }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return (state >> 16) & 0xff
    }),
  )
}

afterEach(() => {
  vi.useRealTimers()
})

describe('every answer', () => {
  const expectSafe = (header: (name: string) => unknown) => {
    expect(header('x-content-type-options')).toBe('nosniff')
    expect(header('content-security-policy')).toMatch(/^default-src 'none'/)
    expect(header('cache-control')).toBe('no-store')
    expect(header('referrer-policy')).toBe('no-referrer')
    expect(header('cross-origin-resource-policy')).toBe('same-origin')
    expect(header('server')).toBeUndefined()
    expect(header('x-powered-by')).toBeUndefined()
  }

  it.each<[number, InjectOptions]>([
    [202, {}],
    [401, { headers: {} }],
    [413, { payload: 'x'.repeat(5_000) }],
    [404, { url: '/other' }],
    [404, { method: 'OPTIONS' }],
    [400, { url: '/%zz?hunter2' }],
  ])('has the headers that keep browsers from doing more with it: %i', async (status, options) => {
    const { post } = start()
    const response = await post(options)
    expect(response.statusCode).toBe(status)
    expectSafe((name) => response.headers[name])
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.body).not.toContain('hunter2')
  })

  it.each([
    [400, 'hello\r\n\r\n'],
    [431, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('also those to what is no request: %i', async (status, text) => {
    const { write } = await listen()
    const answer = await write(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][^\r]+\r\n`))
    expectSafe((name) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(answer)?.[1])
    expect(answer.split('\r\n\r\n')[1]).toMatch(/^\{"error":"http-\d+","message":"[^"]+\."\}$/)
  })
})

describe('whoever guesses signatures', () => {
  const LIMIT = 3

  const exhaust = async (house: ReturnType<typeof start>, more: InjectOptions = {}) => {
    for (let count = 0; count < LIMIT; count += 1) expect((await house.guess(more)).statusCode).toBe(401)
  }

  it('is answered 429 after so many in a minute, until the minute is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    const house = start({ guessesPerMinute: LIMIT })
    await exhaust(house)
    const refused = await house.post()
    expect([refused.statusCode, refused.json().error]).toEqual([429, 'too-many'])
    expect(refused.headers).toMatchObject({ 'retry-after': '60', connection: 'close' })
    expect(house.counters.snapshot().refused).toMatchObject({ 'bad-signature': LIMIT, 'too-many': 1 })
    expect(house.sent).toEqual([])
    vi.setSystemTime(1_000_000 + 59_999)
    expect((await house.guess()).headers['retry-after']).toBe('1')
    vi.setSystemTime(1_000_000 + 60_000)
    expect((await house.post()).statusCode).toBe(202)
  })

  it('does not stop others', async () => {
    const house = start({ guessesPerMinute: LIMIT })
    await exhaust(house, { remoteAddress: '192.0.2.1' })
    expect((await house.post({ remoteAddress: '192.0.2.1' })).statusCode).toBe(429)
    expect((await house.post({ remoteAddress: '192.0.2.2' })).statusCode).toBe(202)
  })

  it('gains nothing by another address of the same IPv6 network', async () => {
    const house = start({ guessesPerMinute: LIMIT })
    await exhaust(house, { remoteAddress: '2001:db8:1:2::1' })
    expect((await house.guess({ remoteAddress: '2001:db8:1:2:ffff::9' })).statusCode).toBe(429)
    expect((await house.post({ remoteAddress: '2001:db8:1:3::1' })).statusCode).toBe(202)
  })

  it('gains nothing by X-Forwarded-For, which is believed of trusted proxies alone', async () => {
    const from = (address: string) => ({ headers: { ...headersOf(body, 'guess'), 'x-forwarded-for': address } })
    const open = start({ guessesPerMinute: LIMIT })
    await exhaust(open, from('192.0.2.1'))
    expect((await open.guess(from('192.0.2.2'))).statusCode).toBe(429)
    const proxied = start({ guessesPerMinute: LIMIT, trustedProxies: ['10.0.0.0/8'] })
    const through = (address: string) => ({ ...from(address), remoteAddress: '10.1.2.3' })
    await exhaust(proxied, through('192.0.2.1'))
    expect((await proxied.guess(through('192.0.2.1'))).statusCode).toBe(429)
    expect((await proxied.guess(through('192.0.2.2'))).statusCode).toBe(401)
    expect((await proxied.guess({ ...from('192.0.2.1'), remoteAddress: '198.51.100.1' })).statusCode).toBe(401)
  })

  it('is not limited where the limit is 0', async () => {
    const { guess } = start({ guessesPerMinute: 0 })
    for (let count = 0; count < 150; count += 1) expect((await guess()).statusCode).toBe(401)
  })

  it('is limited by default', async () => {
    const { guess } = start()
    const statuses: number[] = []
    for (let count = 0; count < 101; count += 1) statuses.push((await guess()).statusCode)
    expect([statuses.at(99), statuses.at(100)]).toEqual([401, 429])
  })

  it('is refused before its body is read', async () => {
    const { write, guess } = await listen({ guessesPerMinute: 1 })
    await guess()
    const answer = await write('POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 4096\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 429 /)
  })
})

describe('GitHub', () => {
  it('may deliver any number of signed deliveries at once', async () => {
    const { post, sent } = start({ guessesPerMinute: 1 })
    const answers = await Promise.all(Array.from({ length: 500 }, () => post()))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
    expect(sent).toHaveLength(500)
  })

  it('may sign with the secret before while it changes, and with no third one', async () => {
    const { post } = start({ previousSecret: 'before' })
    const with_ = async (secret: string) => (await post({ headers: headersOf(body, secret) })).statusCode
    expect([await with_(SECRET), await with_('before'), await with_('guess')]).toEqual([202, 202, 401])
    const changed = start()
    expect((await changed.post({ headers: headersOf(body, 'before') })).statusCode).toBe(401)
  })
})

describe('a client that is too slow', () => {
  const QUICK = { headersTimeoutMs: 100, requestTimeoutMs: 200 }

  it.each([
    ['sends nothing', ''],
    ['never ends its headers', 'POST /webhooks/github HTTP/1.1\r\nhost: x\r\n'],
    ['never ends its body', 'POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{'],
    [
      'never ends its chunks',
      'POST /webhooks/github HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ])('and %s is let go, and nothing is sent', async (_name, text) => {
    const { write, isWell, sent } = await listen(QUICK)
    const answer = await write(text)
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/)
    expect(sent).toEqual([])
    expect(await isWell()).toBe(true)
  })
})

describe('what is no honest request', () => {
  const good = lines(headersOf())
  const length = `content-length: ${body.length}`

  it.each<[string, Buffer]>([
    ['two lengths', request([...good, length, 'content-length: 0'])],
    ['a length and chunks', request([...good, length, 'transfer-encoding: chunked'], `0\r\n\r\n${body}`)],
    ['a length that is none', request([...good, 'content-length: 1e2'])],
    ['a negative length', request([...good, 'content-length: -1'])],
    ['an encoding that nobody knows', request([...good, 'transfer-encoding: gzip'])],
    ['a chunk without an end', request([...good, 'transfer-encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a header with a bare line feed', request([...good, length, 'x: a\nb: c'])],
    ['a header name with a space', request([...good, length, 'x y: a'])],
    ['a header with a NUL', request([...good, length, 'x: a\0b'])],
    ['no host', Buffer.from(`POST /webhooks/github HTTP/1.1\r\n${length}\r\n\r\n${body}`)],
    ['HTTP of the future', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
  ])('%s: it is refused, nothing is sent, and the next one is answered', async (_name, bytes) => {
    const { write, isWell, sent } = await listen()
    expect(await write(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(sent).toEqual([])
    expect(await isWell()).toBe(true)
  })

  it('a compressed body is taken as the bytes that it is: nothing unpacks, nothing blows up', async () => {
    const { post, sent } = start()
    const packed = gzipSync(Buffer.alloc(1_000_000))
    const headers = { ...headersOf(packed), 'content-encoding': 'gzip', 'content-type': 'application/json' }
    const response = await post({ payload: packed, headers })
    expect([response.statusCode, response.json().error]).toEqual([400, 'not-json'])
    expect(sent).toEqual([])
  })

  it('a repeated header is no way around: only what is one signature is looked at', async () => {
    const { write, sent } = await listen()
    const twice = [...good, length, `x-hub-signature-256: ${sign('other')}`]
    expect(await write(request(twice))).toMatch(/^HTTP\/1\.1 401 /)
    expect(sent).toEqual([])
  })

  it('names of prototypes in headers and body are names like any other', async () => {
    const { post } = start()
    const payload = '{"__proto__":{"issue":{"number":7}},"constructor":{"prototype":{"polluted":1}}}'
    const response = await post({ payload, headers: { ...headersOf(payload), 'x-github-event': '__proto__' } })
    expect([response.statusCode, response.json()]).toEqual([202, { status: 'ignored' }])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('a body of brackets that nest too deep is no reason to fall over', async () => {
    const { post } = start({ bodyLimit: 2_000_000 })
    const payload = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
    const response = await post({ payload, headers: headersOf(payload) })
    expect(response.statusCode).toBe(400)
  })

  const seed = Number(process.env.SEED ?? 1)
  it(`bytes at random (seed ${seed}): none is taken, and the server stays well`, async () => {
    const { write, isWell, sent, lines: logged } = await listen({ headersTimeoutMs: 100, requestTimeoutMs: 200 })
    const heads = ['', 'POST /webhooks/github HTTP/1.1\r\n', `${request(good).toString('latin1')}\r\n`]
    const blobs = Array.from({ length: 60 }, (_, index) =>
      Buffer.concat([Buffer.from(heads[index % heads.length] ?? '', 'latin1'), noise(seed + index, 200)]),
    )
    const answers = await Promise.all(blobs.map((blob) => write(blob, '\r\n\r\n')))
    for (const answer of answers) expect(answer).not.toMatch(/^HTTP\/1\.1 [25]/)
    expect(sent).toEqual([])
    expect(logged).toEqual([])
    expect(await isWell()).toBe(true)
  })
})

describe('connections', () => {
  it('over the limit are closed at once; the others are served', async () => {
    const { port, isWell } = await listen({ maxConnections: 2 })
    const open = async () => {
      const socket = connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {})
      await once(socket, 'connect')
      return socket
    }
    const [first] = [await open(), await open()]
    const third = await open()
    await once(third, 'close')
    first.destroy()
    await vi.waitFor(async () => expect(await isWell()).toBe(true))
  })
})
