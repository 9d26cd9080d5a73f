import { request as httpsRequest } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { type Fault, type LocalServer, startLocalServer } from '../src/index.ts'

let server: LocalServer
const start = async (tls?: readonly [string, ...string[]]): Promise<LocalServer> => {
  server = await startLocalServer({
    tls,
    name: ({ method, url }) => ({ operation: method, subject: url.pathname }),
    answer: ({ body }) => ({ status: 200, body: { echo: body } }),
  })
  return server
}
afterEach(() => server.close())

const ask = (body: unknown = 'hello'): Promise<unknown> =>
  fetch(`${server.origin}/a`, { method: 'POST', body: JSON.stringify(body) }).then((response) => response.json())

const askTls = (ca: string | undefined): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    httpsRequest(`${server.origin}/a`, { ca }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })

describe('a local server', () => {
  it('answers, and counts what it was asked', async () => {
    await start()
    expect(await ask()).toEqual({ echo: 'hello' })
    expect(server.calls).toEqual([{ operation: 'POST', subject: '/a' }])
  })

  it('is believed over TLS by whoever knows its authority, and by nobody else', async () => {
    await start(['localhost'])
    expect(server.origin).toMatch(/^https:\/\/localhost:/)
    expect(await askTls(server.ca)).toBe(200)
    await expect(askTls(undefined)).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' })
  })

  it.each<Fault>([
    { kind: 'cut', when: 'before' },
    { kind: 'cut', when: 'after' },
    { kind: 'cut', when: 'amid' },
  ])('cuts the connection: %o', async (fault) => {
    await start()
    server.inject(() => fault)
    await expect(ask()).rejects.toThrow()
    server.inject()
    expect(await ask()).toEqual({ echo: 'hello' })
  })

  it('answers what it is told to, or late, or not at all', async () => {
    await start()
    server.inject(() => ({ kind: 'answer', status: 429, body: 'no' }))
    expect(await ask()).toBe('no')
    server.inject(() => ({ kind: 'slow', ms: 20 }))
    expect(await ask()).toEqual({ echo: 'hello' })
    server.inject(() => ({ kind: 'stall' }))
    const url = `${server.origin}/a`
    await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('goes down and comes up again on the same port', async () => {
    await start()
    await server.down()
    await expect(ask()).rejects.toThrow()
    await server.up()
    await server.up()
    expect(await ask()).toEqual({ echo: 'hello' })
  })
})
