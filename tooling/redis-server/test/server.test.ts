import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whyMissing } from '@queue-runtime/system-tools'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type RedisServer, startRedis, startRedisCluster, startReplica, startSentinel } from '../src/index.ts'

const missing = await whyMissing('redis')
beforeEach((context) => context.skip(missing !== undefined, missing))

const patience = { timeout: 20_000 }

const runs = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}

const folderOf = async (redis: RedisServer): Promise<string> =>
  (await redis.command('CONFIG', 'GET', 'dir')).split('\n')[1] ?? ''

describe('a Redis server', () => {
  test('answers on a port of its own, and is gone with its folder when it is closed', async () => {
    const redis = await startRedis()
    await using other = await startRedis()
    const folder = await folderOf(redis)
    const { pid } = redis
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`)
    expect(other.port).not.toBe(redis.port)
    expect(await redis.command('SET', 'name', 'two words')).toBe('OK')
    expect(await redis.command('GET', 'name')).toBe('two words')
    expect([existsSync(folder), runs(pid)]).toEqual([true, true])

    await redis.close()
    await redis.close()
    expect([existsSync(folder), runs(pid), redis.pid]).toEqual([false, false, undefined])
    await expect(redis.start()).rejects.toThrow('closed')
  })

  test('tells an error reply by rejecting, and why it did not start by its log', async () => {
    await using redis = await startRedis()
    await expect(redis.command('INCR', 'a', 'b')).rejects.toThrow('wrong number of arguments')
    await expect(startRedis({ config: { 'no-such-directive': '1' } })).rejects.toThrow('did not start')
  })

  test('keeps what it wrote over a kill where it appends to a file, on the same port', async () => {
    await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
    await redis.command('SET', 'kept', '1')
    const first = redis.pid
    await redis.kill()
    expect(redis.pid).toBeUndefined()
    await expect(redis.command('PING')).rejects.toThrow('refused')
    await redis.start()
    expect(redis.pid).not.toBe(first)
    expect(await redis.command('GET', 'kept')).toBe('1')
    await redis.restart()
    expect(await redis.command('GET', 'kept')).toBe('1')
  })

  test('forgets on a restart where it keeps nothing on disk', async () => {
    await using redis = await startRedis()
    await redis.command('SET', 'lost', '1')
    await redis.restart()
    expect(await redis.command('EXISTS', 'lost')).toBe('0')
  })

  test('answers nothing while it is paused, and can be stopped then', async () => {
    await using redis = await startRedis()
    redis.pause()
    const answer = redis.command('PING')
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, 'nothing'))])
    expect(first).toBe('nothing')
    redis.resume()
    expect(await answer).toBe('PONG')
    redis.pause()
    await redis.stop()
    expect(redis.pid).toBeUndefined()
  })

  test('ends with the process that started it, which was killed', async () => {
    const program = `
      import { startRedis } from ${JSON.stringify(fileURLToPath(new URL('../dist/index.js', import.meta.url)))}
      const redis = await startRedis()
      const [, folder] = (await redis.command('CONFIG', 'GET', 'dir')).split('\\n')
      console.log(JSON.stringify({ pid: redis.pid, folder }))
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { pid, folder } = JSON.parse(await firstLine(owner))
    expect(runs(pid)).toBe(true)
    owner.kill('SIGKILL')
    await vi.waitFor(() => expect([runs(pid), existsSync(folder)]).toEqual([false, false]), patience)
  })
})

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()))
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })

describe('Redis servers together', () => {
  test('a replica has what its master has, and is a server of its own when it is promoted', async () => {
    await using master = await startRedis()
    await master.command('SET', 'before', '1')
    await using replica = await startReplica(master)
    expect(await replica.command('GET', 'before')).toBe('1')
    await master.command('SET', 'after', '2')
    // WAIT would say nothing of it: each command has a connection of its own, and WAIT looks at the writes of its own one.
    await vi.waitFor(async () => expect(await replica.command('GET', 'after')).toBe('2'), patience)
    await expect(replica.command('SET', 'x', '1')).rejects.toThrow('READONLY')
    await master.kill()
    await replica.promote()
    expect(await replica.command('SET', 'x', '1')).toBe('OK')
  })

  test('a Sentinel makes the replica the master when the master is gone', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await using sentinel = await startSentinel(master)
    expect(await sentinel.masterPort()).toBe(master.port)
    await master.kill()
    await vi.waitFor(async () => expect(await sentinel.masterPort()).toBe(replica.port), patience)
    await vi.waitFor(async () => expect(await replica.command('SET', 'x', '1')).toBe('OK'), patience)
  })

  test('a cluster of three shares the slots', async () => {
    await using cluster = await startRedisCluster({ nodes: 3 })
    const answers = await Promise.all(
      cluster.nodes.map((node) => node.command('SET', 'key', '1').catch((error: unknown) => String(error))),
    )
    expect(answers.filter((answer) => answer === 'OK')).toHaveLength(1)
    expect(answers.filter((answer) => answer.includes('MOVED'))).toHaveLength(2)
  })
})
