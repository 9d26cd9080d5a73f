import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis } from '@queue-runtime/redis-server'
import { generate } from 'selfsigned'
import { expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { claim, identity, timed, unavailable } from './support.ts'

needsRedis()

/** TLS in front of a port of this machine, for the name localhost and with a certificate of nobody's. */
async function startTls(to: number) {
  const names = [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }] as never
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], { extensions: names })
  const server = createServer({ key, cert }, (socket) => {
    const upstream = connect(to, '127.0.0.1')
    for (const one of [socket, upstream]) one.on('error', () => {})
    socket.pipe(upstream).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, ca: cert, [Symbol.asyncDispose]: async () => void server.close() }
}

it('a store trusts who its options say, over TLS', async () => {
  await using redis = await startRedis()
  await using tls = await startTls(redis.port)
  await using store = redisNonceStore({
    server: { host: 'localhost', port: tls.port, tls: { ca: tls.ca } },
    logger: false,
  })
  expect(await claim(store, identity())).toBe('granted')
})

it('a store claims nothing from a server that nobody vouches for, and says why (NR3)', async () => {
  await using redis = await startRedis()
  await using tls = await startTls(redis.port)
  await using store = redisNonceStore({ url: `rediss://localhost:${tls.port}`, logger: false })
  const tookMs = await timed(() =>
    expect(claim(store, identity())).rejects.toEqual(
      unavailable(/^Redis cannot be reached|^Redis did not answer within/),
    ),
  )
  expect(tookMs).toBeLessThan(1_000)
  expect(await redis.command('DBSIZE')).toBe('0')
})
