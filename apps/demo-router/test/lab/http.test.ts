import { request } from 'node:http'
import type { QueueSender } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { createCounters } from '../../src/counters.ts'
import { openDemo } from '../../src/demo/demo.ts'
import { perQueue, ROUTES } from '../../src/github/routes.ts'
import { githubSessions } from '../../src/github/sessions.ts'
import { createRouter } from '../../src/router.ts'
import { createServer } from '../../src/server.ts'
import { recordingLogger } from '../helpers.ts'
import { listen, openLab } from './lab-helpers.ts'

const READS = ['/', '/state.json', '/events', '/messages/1']
const BUTTONS: readonly (readonly [path: string, body: object])[] = [
  ['/lab/attacks/flip-bit', {}],
  ['/lab/queues/merge-warden/rotate', {}],
  ['/lab/queues/merge-warden/mode', { mode: 'plaintext', seals: false }],
  ['/lab/queues/merge-warden/redrive', {}],
  ['/lab/outages/broker', { on: true }],
  ['/lab/traffic', { on: false }],
]

/** A request with whatever headers, as `fetch` would not send it. */
const ask = (url: string, path: string, headers: Record<string, string>, body?: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const call = request(
      url + path,
      { method: body === undefined ? 'GET' : 'POST', headers, agent: false },
      (response) => {
        resolve(response.statusCode)
        response.destroy()
      },
    )
    call.on('error', reject).end(body)
  })

const JSON_TYPE = { 'content-type': 'application/json' }

describe('the page and its buttons', { timeout: 60_000 }, () => {
  it.each([
    ['a name of somebody else’s that points here (DNS rebinding)', { host: 'rebound.example' }],
    ['the page of another site', { origin: 'https://other.example' }],
    ['a page of another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
  ])('are not for %s', async (_, headers: Record<string, string>) => {
    const { url, lab } = await openLab()
    for (const path of READS) expect([path, await ask(url, path, headers)]).toEqual([path, 403])
    for (const [path, body] of BUTTONS) {
      expect([path, await ask(url, path, { ...JSON_TYPE, ...headers }, JSON.stringify(body))]).toEqual([path, 403])
    }
    expect(await lab.outage('keys', false)).toEqual({ broker: false, keys: false, nonces: false })
  })

  it('take orders as JSON alone: a form of another site cannot send it', async () => {
    const { url } = await openLab()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      for (const [path, body] of BUTTONS) {
        expect([path, type, await ask(url, path, { 'content-type': type }, JSON.stringify(body))]).toEqual([
          path,
          type,
          415,
        ])
      }
    }
  })

  it.each([
    ['/lab/outages/moon', { on: true }, 400],
    ['/lab/outages/broker', { on: 'true' }, 400],
    ['/lab/outages/broker', {}, 400],
    ['/lab/outages/broker', { on: true, off: false }, 400],
    ['/lab/queues/elsewhere/rotate', {}, 400],
    ['/lab/queues/merge-warden/mode', { mode: 'maybe', seals: true }, 400],
    ['/lab/queues/merge-warden/mode', { mode: 'reject' }, 400],
    ['/lab/attacks/flip-bit', [], 400],
    ['/lab/attacks/sorcery', {}, 409],
    ['/lab/elsewhere', {}, 404],
  ])('answer an order that is none with a sentence: %s %j', async (path, body, status) => {
    const { lab } = await openLab()
    const { status: answered, answer } = await lab.call(path, body)
    expect(answered).toBe(status)
    expect(answer).toEqual({ error: expect.any(String), message: expect.any(String) })
  })

  it('answer what is no JSON, and what is too long, without a word of it', async () => {
    const { url } = await openLab()
    expect(await ask(url, '/lab/traffic', JSON_TYPE, '{"on":')).toBe(400)
    expect(await ask(url, '/lab/traffic', JSON_TYPE, JSON.stringify({ on: true, padding: 'x'.repeat(2_000) }))).toBe(
      413,
    )
  })

  it('wait until the deliveries of the start are over', async () => {
    const demo = await openDemo({ port: 0, warn: () => {}, deliveries: [], attacks: [] })
    const answers = await Promise.all(
      BUTTONS.map(([path, body]) => ask(demo.url, path, JSON_TYPE, JSON.stringify(body))),
    )
    await demo.close()
    expect(answers).toEqual(BUTTONS.map(() => 409))
  })

  it('play one attack at a time', async () => {
    const { lab } = await openLab()
    const first = lab.attack('redirect-key')
    await expect
      .poll(() => lab.call('/lab/attacks/flip-bit', {}))
      .toMatchObject({
        status: 409,
        answer: { error: 'busy', message: 'The demo is busy with the attack redirect-key.' },
      })
    expect((await first).outcome).toBe('refused')
  })

  it('do not exist on the server of a router that is no demo', async () => {
    const { logger } = recordingLogger()
    const senders = perQueue(
      (): Pick<QueueSender, 'send'> => ({ send: () => Promise.reject(new Error('not asked for')) }),
    )
    const router = createRouter({ secret: 's', routes: ROUTES, sessions: githubSessions, senders, logger })
    const app = createServer({ router, counters: createCounters(), logger, bodyLimit: 1_024 })
    for (const url of READS) expect((await app.inject({ url })).statusCode).toBe(404)
    for (const [url, payload] of BUTTONS) {
      expect((await app.inject({ method: 'POST', url, payload, headers: JSON_TYPE })).statusCode).toBe(404)
    }
    await app.close()
  })

  it('tell no secret and no key, whatever is done', async () => {
    const { lab, url } = await openLab({ perSecond: 40 })
    const page = await listen(url)
    await lab.attack('replay')
    await lab.attack('flip-bit')
    await lab.rotate('merge-warden')
    await lab.outage('nonces', true)
    await lab.outage('nonces', false)
    await expect.poll(() => page.all('message').length).toBeGreaterThan(10)
    const text = JSON.stringify(page.told)
    // Keys and the secret are 32 random bytes each.
    expect(text).not.toMatch(/[0-9a-f]{64}|[A-Za-z0-9+/_-]{43}/)
    expect(text).not.toMatch(/Codertocat|Hello-World/)
  })

  it('end their streams when the demo ends', async () => {
    const { demo, url } = await openLab()
    const page = await listen(url)
    await expect.poll(() => page.all('snapshot').length).toBe(1)
    await demo.close()
    await page.ended
  })
})
