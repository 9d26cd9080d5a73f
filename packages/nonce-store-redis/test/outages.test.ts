import { inspect } from 'node:util'
import { isQueueError } from '@queue-runtime/core'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startReplica } from '@queue-runtime/redis-server'
import { describe, expect, it } from 'vitest'
import { refusalOf } from '../src/errors.ts'
import { recordKeys } from '../src/record-key.ts'
import { needsRedis } from './redis-here.ts'
import { another, claim, identity, LONG, timed, unavailable, until } from './support.ts'

needsRedis()

/** NR3. */
const WITHIN_MS = 1_000

const nothing = async (): Promise<void> => {}

interface Outage {
  readonly name: string
  readonly text: RegExp
  /** Brings it about, and resolves with what ends it. */
  begin(server: RedisServer): Promise<() => Promise<unknown>>
  readonly options?: (server: RedisServer) => RedisNonceOptions
}

const withUser = (user: string, password: string) => (server: RedisServer) => ({
  url: `redis://${user}:${password}@${server.host}:${server.port}`,
})

const configured =
  (name: string, value: string, normally: string) =>
  async (server: RedisServer): Promise<() => Promise<unknown>> => {
    await server.command('CONFIG', 'SET', name, value)
    return () => server.command('CONFIG', 'SET', name, normally)
  }

const PASSWORD = 'hunter2-correct-horse'

const OUTAGES: readonly Outage[] = [
  {
    name: 'that is down',
    text: /^Redis cannot be reached|^Redis did not answer within 800 ms/,
    async begin(server) {
      await server.stop()
      return () => server.start()
    },
  },
  {
    name: 'that stands still',
    text: /^Redis did not answer within 800 ms/,
    async begin(server) {
      server.pause()
      return async () => server.resume()
    },
  },
  {
    name: 'that wants a password',
    text: /^Redis rejects the user or the password/,
    begin: async (server) => {
      // Connections that are there stay authenticated.
      await server.command('CONFIG', 'SET', 'requirepass', PASSWORD)
      await server.command('-a', PASSWORD, 'CLIENT', 'KILL', 'TYPE', 'normal')
      return () => server.command('-a', PASSWORD, 'CONFIG', 'SET', 'requirepass', '')
    },
  },
  {
    name: 'that rejects a password',
    text: /^Redis rejects the user or the password/,
    options: withUser('nonces', PASSWORD),
    begin: async (server) => {
      await server.command('ACL', 'SETUSER', 'nonces', 'resetpass', '>another')
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal')
      return () => server.command('ACL', 'SETUSER', 'nonces', 'resetpass', `>${PASSWORD}`)
    },
  },
  {
    name: 'that denies the script its keys',
    text: /^Redis denies the user/,
    options: withUser('nonces', PASSWORD),
    begin: async (server) => {
      await server.command('ACL', 'SETUSER', 'nonces', 'on', 'resetkeys', '~other:*', '+@all')
      return () => server.command('ACL', 'SETUSER', 'nonces', 'allkeys')
    },
  },
  {
    name: 'that denies the script a command',
    text: /^Redis denies the user/,
    options: withUser('nonces', PASSWORD),
    begin: async (server) => {
      await server.command('ACL', 'SETUSER', 'nonces', 'on', '-set')
      return () => server.command('ACL', 'SETUSER', 'nonces', '+set')
    },
  },
  {
    name: 'whose memory is full',
    text: /^Redis has no memory left/,
    begin: configured('maxmemory', '1', '0'),
  },
  {
    name: 'that lacks replicas',
    text: /^Redis has fewer replicas than it wants/,
    begin: configured('min-replicas-to-write', '1', '0'),
  },
  {
    name: 'that is busy with a script',
    text: /^Redis is busy with a script of somebody else/,
    async begin(server) {
      await server.command('CONFIG', 'SET', 'busy-reply-threshold', '1')
      const running = server.command('EVAL', 'while true do end', '0').catch(nothing)
      await expect.poll(() => server.command('PING').catch(String), { timeout: 10_000 }).toContain('BUSY')
      return async () => {
        await server.command('SCRIPT', 'KILL')
        await running
      }
    },
  },
]

/** Everything that a user, a log or a broker may get to see of an error. */
const shown = (error: unknown): string =>
  [String(error), JSON.stringify(error), inspect(error, { depth: 9, showHidden: true }), (error as Error).stack].join(
    ' ',
  )

describe('a server', () => {
  it.concurrent.each(OUTAGES)(
    '$name grants nothing, within 1 s, and goes on afterwards (NR3, attack 24)',
    async (outage) => {
      const { begin, text, options = ({ url }) => ({ url }) } = outage
      await using server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
      await server.command('ACL', 'SETUSER', 'nonces', 'on', `>${PASSWORD}`, '~*', '+@all')
      await using store = redisNonceStore({ ...options(server), logger: false })
      const [held, wanted] = [identity(), identity()]
      await claim(store, held)
      const end = await begin(server)
      const calls: readonly (() => Promise<unknown>)[] = [
        () => claim(store, wanted),
        () => store.confirm(held, LONG.retainMs),
        () => store.renew(held, LONG.leaseMs),
        () => store.release(held, LONG.retainMs),
      ]
      for (const call of calls) {
        let failure: unknown
        const tookMs = await timed(() =>
          call().catch((error: unknown) => {
            failure = error
          }),
        )
        expect(failure).toEqual(unavailable(text))
        expect(tookMs).toBeLessThan(WITHIN_MS)
        const seen = shown(failure)
        for (const secret of [
          PASSWORD,
          String(server.port),
          held.token,
          wanted.token,
          recordKeys('qr')(held),
          'ARGV',
          'nonces',
        ]) {
          expect(seen).not.toContain(secret)
        }
      }
      await end()
      await until(async () => (await claim(store, another(held)).catch(String)) === 'in-flight')
      expect(await claim(store, wanted)).toBe('granted')
    },
    60_000,
  )

  it('that is a replica takes no writes, and is heard of as such (NR3)', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await using store = redisNonceStore({ url: replica.url, logger: false })
    await expect(claim(store, identity())).rejects.toEqual(unavailable(/^Redis is a replica and takes no writes/))
    await master.stop()
    await replica.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
    await expect(claim(store, identity())).rejects.toEqual(unavailable(/^Redis is loading its data, or its master/))
  })

  it('with something else under the key of a record grants nothing (NR3)', async () => {
    await using server = await startRedis()
    await using store = redisNonceStore({ url: server.url, logger: false })
    const id = identity()
    await server.command('RPUSH', recordKeys('qr')(id), 'x')
    await expect(claim(store, id)).rejects.toEqual(unavailable(/^Under the key of a record Redis holds something else/))
    expect(await claim(store, identity())).toBe('granted')
  })

  it('whose clients are too many is waited for (NR3)', async () => {
    await using server = await startRedis({ config: { maxclients: '1' } })
    await using first = redisNonceStore({ url: server.url, logger: false })
    await using second = redisNonceStore({ url: server.url, logger: false })
    await claim(first, identity())
    await expect(claim(second, identity())).rejects.toEqual(
      unavailable(/cannot be reached|too many clients|did not answer/),
    )
    await first.close()
    await until(async () => (await claim(second, identity()).catch(String)) === 'granted')
  })
})

describe('a store', () => {
  it('asks a server again that has forgotten the script (NR1)', async () => {
    await using server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
    await using store = redisNonceStore({ url: server.url, logger: false })
    const ids = [identity(), identity()] as const
    await claim(store, ids[0])
    await server.command('SCRIPT', 'FLUSH')
    const batch = [ids[0], ids[1], another(ids[1]), another(ids[0])].map((id) => ({ ...id, ...LONG, stale: false }))
    expect(await store.claim(batch)).toEqual(['granted-again', 'granted', 'in-flight', 'in-flight'])
    await server.restart()
    expect(await store.confirm(ids[0], LONG.retainMs)).toBe('ok')
    expect(await store.confirm(ids[1], LONG.retainMs)).toBe('ok')
  })

  it('keeps its records over a restart of a server that persists them (attack 18)', async () => {
    await using server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
    await using store = redisNonceStore({ url: server.url, logger: false })
    const id = identity()
    await claim(store, id)
    await store.confirm(id, LONG.retainMs)
    await server.kill()
    await server.start()
    await until(async () => (await claim(store, another(id)).catch(String)) === 'completed')
  })
})

describe('what Redis, Node and ioredis say', () => {
  const SAYINGS: readonly (readonly [message: string, refusal: string, code?: string])[] = [
    ['LOADING Redis is loading the dataset in memory', 'loading'],
    [
      'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist on disk',
      'no-snapshots',
    ],
    ['CLUSTERDOWN Hash slot not served', 'cluster-down'],
    ['Too many Cluster redirections. Last error: Error: MOVED 1 127.0.0.1:1', 'cluster-down'],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 5bd1, on @user_script:38.", 'full'],
    [
      "ERR Error running script (call to f_5bd1): @user_script:38: OOM command not allowed when used memory > 'maxmemory'.",
      'full',
    ],
    [
      "ERR Error running script (call to f_5bd1): @user_script:38: READONLY You can't write against a read only replica.",
      'read-only',
    ],
    ["ERR The user executing the script can't run this command or subcommand script: 5bd1", 'denied'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'denied'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'rejected'],
    ['ERR invalid password', 'rejected'],
    ['ERR max number of clients reached', 'too-many-clients'],
    ['Command timed out', 'timed-out'],
    ["Socket timeout. Expecting data, but didn't receive any in 900ms.", 'timed-out'],
    ['Connection is closed.', 'cut'],
    ['Command aborted due to connection close', 'cut'],
    ['write EPIPE', 'cut', 'EPIPE'],
    [
      'Reached the max retries per request limit (which is 4). Refer to "maxRetriesPerRequest" option for details.',
      'unreachable',
    ],
    ['Failed to refresh slots cache.', 'unreachable'],
    ["Stream isn't writeable and enableOfflineQueue options is false", 'unreachable'],
    ['All sentinels are unreachable. Retrying from scratch after 10ms.', 'unreachable'],
    ['connect ECONNREFUSED 127.0.0.1:1', 'unreachable', 'ECONNREFUSED'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'moved'],
    ['something else', 'failed'],
  ]

  it.each(SAYINGS)('%s: %s', (message, refusal, code) => {
    expect(refusalOf(Object.assign(new Error(message), { code }))).toBe(refusal)
  })

  it('may be anything', () => {
    for (const thrown of [undefined, null, 'text', 5, {}, { message: 5 }]) expect(refusalOf(thrown)).toBe('failed')
    expect(isQueueError(undefined)).toBe(false)
  })
})
