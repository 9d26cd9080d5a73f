import { createHmac } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { type OutgoingMessage, QueueError, type QueueSender } from '@queue-runtime/core'
import { afterEach, describe, expect, it } from 'vitest'
import { createCounters } from '../src/counters.ts'
import { ROUTES } from '../src/github/routes.ts'
import { githubSessions } from '../src/github/sessions.ts'
import { isSigned } from '../src/github/signature.ts'
import { createRouter } from '../src/router.ts'
import { createServer } from '../src/server.ts'
import { recordingLogger } from './helpers.ts'

const SECRET = 'It is a secret to everybody'
const BODY_LIMIT = 4_096
const issue = Buffer.from(
  JSON.stringify({
    action: 'opened',
    issue: { number: 7, title: 'grün  "quoted"' },
    repository: { name: 'Hello-World', owner: { login: 'Codertocat' } },
  }),
)
const sign = (body: Buffer | string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

type Sent = { queue: string; message: OutgoingMessage; signal: AbortSignal | undefined }

/** A router whose queues only note what they are sent, or fail as told. */
const createHouse = (failure?: () => unknown) => {
  const sent: Sent[] = []
  const sender = (queue: string): Pick<QueueSender, 'send'> => ({
    async send(message, { signal } = {}) {
      if (failure !== undefined) throw failure()
      sent.push({ queue, message, signal })
      return { messageId: message.messageId ?? 'none' }
    },
  })
  const { logger, lines } = recordingLogger()
  const counters = createCounters()
  const senders = {
    'task-tactician': sender('task-tactician'),
    'merge-warden': sender('merge-warden'),
    'spec-sentinel': sender('spec-sentinel'),
  }
  const router = createRouter({ secret: SECRET, routes: ROUTES, sessions: githubSessions, senders, logger })
  const app = createServer({ router, counters, logger, bodyLimit: BODY_LIMIT })
  return { app, sent, counters, lines }
}

const goodHeaders = (body: Buffer | string) => ({
  'content-type': 'application/json',
  'x-hub-signature-256': sign(body),
  'x-github-event': 'issues',
  'x-github-delivery': '0b989ba4-242f-11e5-81e1-c7b6966d2516',
})

const closing: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

const start = (failure?: () => unknown) => {
  const house = createHouse(failure)
  closing.push(house.app)
  const post = (body: Buffer | string | undefined, headers: Record<string, string | undefined>) => {
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const payload = body === undefined ? {} : { payload: body }
    return house.app.inject({ method: 'POST', url: '/webhooks/github', headers: Object.fromEntries(given), ...payload })
  }
  return { ...house, post }
}

describe('DR6: what is sent for a delivery', () => {
  it('is the raw body under the id of the delivery, in the session of the issue', async () => {
    const { post, sent, counters } = start()
    const response = await post(issue, goodHeaders(issue))
    expect(response.statusCode).toBe(202)
    expect(response.json()).toEqual({
      status: 'sent',
      queue: 'merge-warden',
      messageId: '0b989ba4-242f-11e5-81e1-c7b6966d2516',
    })
    expect(sent).toHaveLength(1)
    expect(sent[0]?.queue).toBe('merge-warden')
    expect(sent[0]?.message).toEqual({
      body: issue,
      messageId: '0b989ba4-242f-11e5-81e1-c7b6966d2516',
      correlationId: '0b989ba4-242f-11e5-81e1-c7b6966d2516',
      sessionId: 'codertocat/hello-world/issue/7',
      contentType: 'application/json',
      attributes: { 'github-event': 'issues' },
    })
    expect(sent[0]?.signal).toBeInstanceOf(AbortSignal)
    expect(counters.snapshot().sent['merge-warden']).toBe(1)
  })

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'garbage', 'multipart/form-data; boundary=x'])(
    'is the raw body whatever the content type says: %s',
    async (contentType) => {
      const { post, sent } = start()
      const response = await post(issue, { ...goodHeaders(issue), 'content-type': contentType })
      expect(response.statusCode).toBe(202)
      expect(sent[0]?.message.body).toEqual(issue)
    },
  )

  it('is nothing for an event that no bot asked for: 202 and a count (DR2)', async () => {
    const { post, sent, counters } = start()
    const response = await post(issue, { ...goodHeaders(issue), 'x-github-event': 'star' })
    expect([response.statusCode, response.json()]).toEqual([202, { status: 'ignored' }])
    expect(sent).toEqual([])
    expect(counters.snapshot()).toMatchObject({ ignored: 1, failed: 0 })
  })
})

const changed = Buffer.from(issue)
changed[20] = (changed[20] ?? 0) ^ 1
const notUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])

describe('DR1: the signature is checked before anything else', () => {
  const cases: readonly (readonly [string, Buffer | string | undefined, Record<string, string | undefined>])[] = [
    ['no signature', issue, { 'x-hub-signature-256': undefined }],
    ['an empty one', issue, { 'x-hub-signature-256': '' }],
    ['one of another secret', issue, { 'x-hub-signature-256': sign(issue, 'guess') }],
    ['one of another body', issue, { 'x-hub-signature-256': sign(changed) }],
    ['a body that was changed by one bit', changed, { 'x-hub-signature-256': sign(issue) }],
    ['a truncated one', issue, { 'x-hub-signature-256': sign(issue).slice(0, -1) }],
    ['one with a tail', issue, { 'x-hub-signature-256': `${sign(issue)}0` }],
    ['two of them', issue, { 'x-hub-signature-256': `${sign(issue)}, ${sign(issue)}` }],
    ['one without its algorithm', issue, { 'x-hub-signature-256': sign(issue).slice(7) }],
    ['one of SHA-1 in the old header', issue, { 'x-hub-signature-256': undefined, 'x-hub-signature': sign(issue) }],
    ['no body and no signature', undefined, { 'x-hub-signature-256': undefined }],
    ['no body and a wrong signature', undefined, { 'x-hub-signature-256': sign('x') }],
    ['bytes that are no text, and a wrong signature', notUtf8, { 'x-hub-signature-256': sign(issue) }],
    ['no JSON and a wrong signature', 'no json', { 'x-hub-signature-256': sign(issue) }],
    [
      'a wrong signature and no other header',
      issue,
      {
        'x-hub-signature-256': sign('x'),
        'x-github-event': undefined,
        'x-github-delivery': undefined,
      },
    ],
  ]
  it.each(cases)('401 for %s, and nothing is sent', async (_name, body, headers) => {
    const { post, sent, counters } = start()
    const response = await post(body, { ...goodHeaders(issue), ...headers })
    expect(response.statusCode).toBe(401)
    expect(response.json()).toMatchObject({ error: 'bad-signature' })
    expect(sent).toEqual([])
    expect(counters.snapshot().refused['bad-signature']).toBe(1)
  })
})

describe('DR1: a signature', () => {
  it('is the one that GitHub documents for its example', async () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    expect(await isSigned(["It's a Secret to Everybody"], Buffer.from('Hello, World!'), signature)).toBe(true)
    expect(await isSigned(["It's a Secret to Everybody!"], Buffer.from('Hello, World!'), signature)).toBe(false)
  })
})

describe('bad input is named and never sent', () => {
  const signed = (body: Buffer | string) => ({ 'x-hub-signature-256': sign(body) })
  const text = 'no json: hunter2'
  const cases: readonly (readonly [string, string, Buffer | string | undefined, Record<string, string | undefined>])[] =
    [
      ['not-json', 'text', text, signed(text)],
      ['not-json', 'an empty body', '', signed('')],
      ['not-json', 'no body', undefined, signed('')],
      ['not-json', 'bytes that are no UTF-8', notUtf8, signed(notUtf8)],
      ['not-json', 'JSON behind a byte order mark', `\ufeff${issue}`, signed(`\ufeff${issue}`)],
      ['not-json', 'an array', '[]', signed('[]')],
      ['not-json', 'a number', '7', signed('7')],
      ['not-json', 'null', 'null', signed('null')],
      ['not-json', 'a form', 'payload=%7B%7D', signed('payload=%7B%7D')],
      ['not-json', 'text of an unknown event', text, { ...signed(text), 'x-github-event': 'star' }],
      ['no-event', 'no event', issue, { 'x-github-event': undefined }],
      ['no-event', 'an empty event', issue, { 'x-github-event': '' }],
      ['bad-delivery', 'no delivery id', issue, { 'x-github-delivery': undefined }],
      ['bad-delivery', 'an empty delivery id', issue, { 'x-github-delivery': '' }],
      ['bad-delivery', 'a delivery id with a space', issue, { 'x-github-delivery': 'a b' }],
      ['bad-delivery', 'a delivery id that is not ASCII', issue, { 'x-github-delivery': 'gr\u00fcn' }],
      ['bad-delivery', 'a delivery id of 129 characters', issue, { 'x-github-delivery': 'x'.repeat(129) }],
    ]
  it.each(cases)('400 %s for %s', async (error, _name, body, headers) => {
    const { post, sent, counters } = start()
    const response = await post(body, { ...goodHeaders(issue), ...headers })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ error })
    expect(Object.keys(response.json())).toEqual(['error', 'message'])
    expect(response.body).not.toContain('hunter2')
    expect(sent).toEqual([])
    expect(Object.values(counters.snapshot().refused).reduce((sum, count) => sum + count)).toBe(1)
  })

  it('takes a delivery id of 128 characters', async () => {
    const { post } = start()
    const response = await post(issue, { ...goodHeaders(issue), 'x-github-delivery': 'x'.repeat(128) })
    expect(response.statusCode).toBe(202)
  })

  it('404 in JSON for any other address, 404 for another method', async () => {
    const { app } = start()
    const elsewhere = await app.inject({ method: 'POST', url: '/webhooks', payload: 'x' })
    const read = await app.inject({ method: 'GET', url: '/webhooks/github' })
    expect([elsewhere.statusCode, elsewhere.json()]).toEqual([404, { error: 'http-404', message: 'Not Found.' }])
    expect(read.statusCode).toBe(404)
  })
})

describe('DR6: size', () => {
  const padded = (size: number) => `{"x":"${'x'.repeat(size - 8)}"}`

  it('takes a body of exactly the limit, and answers 413 with a count one byte above', async () => {
    const { post, sent, counters } = start()
    const fits = padded(BODY_LIMIT)
    expect((await post(fits, goodHeaders(fits))).statusCode).toBe(202)
    const tooLong = padded(BODY_LIMIT + 1)
    const response = await post(tooLong, goodHeaders(tooLong))
    expect([response.statusCode, response.json().error]).toEqual([413, 'too-large'])
    expect(sent).toHaveLength(1)
    expect(counters.snapshot().refused['too-large']).toBe(1)
  })

  it('answers 413 when the provider says that the sealed message is too large', async () => {
    const { post, counters } = start(
      () => new QueueError('MessageTooLarge', 'too large', { facts: { size: 2, maxSize: 1 } }),
    )
    const response = await post(issue, goodHeaders(issue))
    expect([response.statusCode, response.json().error]).toEqual([413, 'too-large'])
    expect(counters.snapshot().refused['too-large']).toBe(1)
  })
})

describe('failures of send', () => {
  it.each([
    new QueueError('Throttled', 'full'),
    new QueueError('ConnectionFailed', 'gone'),
    new QueueError('KeyProviderError', 'the vault is down'),
    new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
  ])('503 and a line for what time heals: %s', async (error) => {
    const { post, counters, lines } = start(() => error)
    const response = await post(issue, goodHeaders(issue))
    expect([response.statusCode, response.json().error]).toEqual([503, 'unavailable'])
    expect(response.headers['retry-after']).toBe('5')
    expect(counters.snapshot().refused.unavailable).toBe(1)
    expect(lines).toHaveLength(1)
  })

  it('500 and a line without the text of the error for what nobody foresaw', async () => {
    const { post, counters, lines } = start(() => new Error('hunter2'))
    const response = await post(issue, goodHeaders(issue))
    expect([response.statusCode, response.json()]).toEqual([
      500,
      { error: 'http-500', message: 'Internal Server Error.' },
    ])
    expect(counters.snapshot().failed).toBe(1)
    expect(lines).toEqual([
      { level: 'error', fields: { operation: 'http', error_type: 'Error' }, text: 'A request failed' },
    ])
  })
})

describe('over a real socket', () => {
  const listen = async () => {
    const house = start()
    await house.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = house.app.server.address() as AddressInfo
    return { ...house, port }
  }

  it('checks the bytes as they came, in chunks of any size', async () => {
    const { port, sent } = await listen()
    const head = Object.entries(goodHeaders(issue)).map(([name, value]) => `${name}: ${value}\r\n`)
    const chunks = [...issue].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`)
    const request = `POST /webhooks/github HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n${head.join('')}\r\n${chunks.join('')}0\r\n\r\n`
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
      socket.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', reject).on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 202 /)
    expect(sent[0]?.message.body).toEqual(issue)
  })

  it('answers 413 without reading a body that is announced as too long', async () => {
    const { port, sent } = await listen()
    const request = `POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 26214400\r\n\r\n`
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(request))
      socket.setEncoding('utf8').once('data', (text) => {
        socket.destroy()
        resolve(String(text))
      })
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(sent).toEqual([])
  })

  it('answers a request that is no HTTP with 400, and stays up', async () => {
    const { port } = await listen()
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('hello\r\n\r\n'))
      socket.setEncoding('utf8').once('data', (text) => resolve(String(text)))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    const response = await fetch(`http://127.0.0.1:${port}/webhooks/github`, {
      method: 'POST',
      headers: goodHeaders(issue),
      body: issue,
    })
    expect(response.status).toBe(202)
  })
})
