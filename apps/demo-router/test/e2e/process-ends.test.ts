import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { sign } from '@octokit/webhooks-methods'
import { systemClock } from '@queue-runtime/core/provider'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createPost } from '../../src/demo/post.ts'
import { type Local, startLocal } from '../../src/local/start.ts'
import { startChild } from './child.ts'

const SECRET = 'a secret between GitHub and the router'
const ROUTER = { GITHUB_WEBHOOK_SECRET: SECRET, PORT: '0', OPS_PORT: '0', SHUTDOWN_SECONDS: '5' }
const BOT = { OPS_PORT: '0', SHUTDOWN_SECONDS: '3' }
/** A push to a repository of its own: deliveries of one wait for each other. */
const push = () => ({
  event: 'push',
  body: JSON.stringify({ ref: 'refs/heads/main', repository: { name: randomUUID(), owner: { login: 'o' } } }),
})

describe('a router or bot as a process', { timeout: 60_000 }, () => {
  let local: Local
  beforeAll(async () => {
    local = await startLocal({ queue: 'sqs', keys: 'aws', nonces: 'memory' }, systemClock)
  })
  afterAll(() => local.close())

  const startRouter = async (change: Readonly<Record<string, string>> = {}) => {
    const child = startChild(['router'], { ...local.variables, ...ROUTER, ...change })
    const webhooks = String((await child.said('Listening')).webhooks)
    const ops = String((await child.said('Started')).ops)
    const post = createPost(webhooks, SECRET, new AbortController().signal)
    return { child, webhooks, ops, post }
  }

  it.each([
    [['router'], { QUEUE_PROVIDER: 'kafka' }, 'QUEUE_PROVIDER must be one of memory, azure, sqs.'],
    [['router'], { QUEUE_PROVIDER: 'memory' }, /^QUEUE_PROVIDER must be azure or sqs here/],
    [['router'], { GITHUB_WEBHOOK_SECRET: '' }, 'GITHUB_WEBHOOK_SECRET is required for the router.'],
    [['router'], { GITHUB_WEBHOOK_SECRET: 'guess-me' }, 'GITHUB_WEBHOOK_SECRET must be at least 16 characters.'],
    [['bot', 'merge-warden'], { KEY_PROVIDER: 'local' }, 'KEY_DIRECTORY is required for KEY_PROVIDER=local here.'],
    [['bot', 'merge-warden'], { OPS_PORT: '70000' }, 'OPS_PORT must be a whole number from 0 to 65535.'],
    [['router'], { OTEL_TRACES_SAMPLER_ARG: '2', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }, /^OTEL_TRACES_SAMPLER_ARG/],
  ])('%j with %j ends with 2 and names the variable, never its value', async (args, change, message) => {
    const child = startChild(args, { ...local.variables, ...ROUTER, ...change })
    expect(await child.closed).toEqual({ code: 2, signal: null })
    expect(child.lines).toMatchObject([{ level: 'error', msg: expect.stringMatching(message) }])
    expect(child.output()).not.toMatch(/guess-me|70000/)
  })

  it.each([[['bot']], [['bot', 'nobody']], [['router', 'now']]])(
    '%j ends with 2: there is no such thing',
    async (args) => {
      const child = startChild(args, { ...local.variables, ...ROUTER })
      expect(await child.closed).toEqual({ code: 2, signal: null })
      expect(child.output()).toMatch(/^Usage: router, bot with one of task-tactician/)
    },
  )

  it('ends with 1 where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const child = startChild(['router'], { ...local.variables, ...ROUTER, PORT: String(port) })
    expect(await child.closed).toEqual({ code: 1, signal: null })
    expect(child.lines.at(-1)).toMatchObject({ error_type: 'EADDRINUSE' })
  })

  it('ends with 1 where its queue is not there: no waiting would help', async () => {
    const child = startChild(['bot', 'merge-warden'], { ...local.variables, ...BOT, QUEUE_MERGE_WARDEN: 'other.fifo' })
    expect(await child.closed).toEqual({ code: 1, signal: null })
    expect(child.lines.at(-1)).toMatchObject({ level: 'error', error_type: 'QueueNotFound' })
  })

  it('lives without its broker, is not ready, and says why without a word about credentials', async () => {
    const { child, ops, post } = await startRouter({ SQS_ENDPOINT: 'http://127.0.0.1:9' })
    expect((await fetch(`${ops}/healthz`)).status).toBe(200)
    const ready = await fetch(`${ops}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      {
        status: 'not-ready',
        because: {
          'queue task-tactician': 'ConnectionFailed',
          'queue merge-warden': 'ConnectionFailed',
          'queue spec-sentinel': 'ConnectionFailed',
        },
      },
    ])
    expect(await post(push(), randomUUID())).toBe(503)
    expect(child.output()).not.toMatch(/local:|secretAccessKey|AKIA/)
    child.kill('SIGTERM')
    expect(await child.closed).toEqual({ code: 0, signal: null })
  })

  it('answers who watches it, apart from what GitHub reaches', async () => {
    const { ops, webhooks, post } = await startRouter()
    expect(await post(push(), randomUUID())).toBe(202)
    await vi.waitFor(async () => {
      const text = await (await fetch(`${ops}/metrics`)).text()
      expect(text).toMatch(/queue_messages_sent_total\{[^}]*queue="spec-sentinel"[^}]*\} 1/)
      expect(text).toMatch(/webhook_requests_total\{[^}]*outcome="sent"[^}]*\} 1/)
    })
    for (const path of ['/metrics', '/healthz', '/readyz', '/', '/state.json', '/events']) {
      expect([path, (await fetch(new URL(path, webhooks))).status]).toEqual([path, 404])
    }
  })

  it('answers the request that it is reading when it is told to end, and takes no other', async () => {
    const { child, webhooks } = await startRouter()
    const { hostname, port } = new URL(webhooks)
    const socket: Socket = connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('utf8').on('data', (part) => {
      answer += part
    })
    const text = push().body
    const body = Buffer.from(text)
    socket.write(
      [
        'POST /webhooks/github HTTP/1.1',
        'host: router',
        'x-github-event: push',
        `x-github-delivery: ${randomUUID()}`,
        `x-hub-signature-256: ${await sign(SECRET, text)}`,
        `content-length: ${body.length}`,
        '',
        '',
      ].join('\r\n'),
    )
    socket.write(body.subarray(0, 10))
    // Nobody tells when the router has begun to read.
    await delay(300)
    child.kill('SIGTERM')
    await child.said('Stopping')
    await expect(fetch(webhooks, { method: 'POST', body: '{}' })).rejects.toThrow()
    socket.write(body.subarray(10))
    await vi.waitFor(() => expect(answer).toContain('HTTP/1.1 202'))
    expect(await child.closed).toEqual({ code: 0, signal: null })
  })

  it('gives back what it cannot finish in time, and ends within it', async () => {
    const { post, child: router } = await startRouter()
    const bot = startChild(['bot', 'spec-sentinel'], { ...local.variables, ...BOT, BOT_WORK_MS: '60000' })
    await bot.said('Started')
    const id = randomUUID()
    expect(await post(push(), id)).toBe(202)
    await vi.waitFor(
      () =>
        expect(bot.lines.some((line) => line.message_id === id && line.msg.startsWith('Message received'))).toBe(true),
      { timeout: 20_000 },
    )
    const stoppedAt = performance.now()
    bot.kill('SIGTERM')
    expect(await bot.closed).toEqual({ code: 0, signal: null })
    expect(performance.now() - stoppedAt).toBeLessThan(8_000)
    const next = startChild(['bot', 'spec-sentinel'], { ...local.variables, ...BOT })
    await vi.waitFor(
      () => expect(next.lines.some((line) => line.message_id === id && line.msg === 'Delivery handled')).toBe(true),
      { timeout: 20_000 },
    )
    router.kill('SIGTERM')
  })
})
