import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '@queue-runtime/redis-server'
import { startServiceBusEmulator } from '@queue-runtime/service-bus-emulator'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KEY_IDS } from '../../src/backends/key-providers.ts'
import { realDeliveries } from '../../src/demo/deliveries.ts'
import { expectedQueue } from '../../src/demo/expected.ts'
import { createPost } from '../../src/demo/post.ts'
import { QUEUES } from '../../src/github/routes.ts'
import { readCompose } from '../compose-file.ts'
import { startChild } from './child.ts'

const SECRET = 'a secret between GitHub and the router'
const { services } = readCompose()

/** A folder that holds what a volume would. */
const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'demo-router-keys-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

describe('the processes of compose.yaml, started without an engine', { timeout: 120_000 }, () => {
  it('carry deliveries, each with the variables and the keys that the file gives it', async () => {
    const names = services.broker?.command.filter((_, at, all) => all[at - 1] === '--queue') ?? []
    expect(names).toEqual([...QUEUES])
    const broker = await startServiceBusEmulator({ queues: names })
    onTestFinished(() => broker.close())
    const redis = await startRedis({ config: { appendonly: 'yes', 'maxmemory-policy': 'noeviction' } })
    onTestFinished(() => redis.close())

    const keys = await folder()
    const makeKeys = async () => {
      const made = startChild(services.keys?.command.with(1, keys) ?? [], {})
      expect(await made.closed).toEqual({ code: 0, signal: null })
      return Promise.all(Object.values(KEY_IDS).map((name) => readFile(join(keys, name, `${name}-1`), 'utf8')))
    }
    const first = await makeKeys()
    expect(new Set(first).size).toBe(3)
    expect(await makeKeys()).toEqual(first)
    expect((await stat(join(keys, 'key-a', 'key-a-1'))).mode & 0o077).toBe(0)

    /** What stands in the file, but for ports that others may have here. */
    const start = async (name: string) => {
      const { command = [], environment = {}, volumes = [] } = services[name] ?? {}
      const mounted = await folder()
      for (const volume of volumes) {
        const [from = '', to = ''] = volume.split(':')
        await cp(join(keys, from), to.replace('/keys', mounted), { recursive: true })
      }
      return startChild(command, {
        ...environment,
        SERVICEBUS_CONNECTION_STRING: environment.SERVICEBUS_CONNECTION_STRING?.replace(':5672', `:${broker.port}`),
        REDIS_URL: environment.REDIS_URL?.replace(':6379', `:${redis.port}`),
        KEY_DIRECTORY: mounted,
        OPS_PORT: '0',
        ...(name === 'router' && { HOST: '127.0.0.1', PORT: '0', GITHUB_WEBHOOK_SECRET: SECRET }),
      })
    }
    const [router, ...bots] = await Promise.all(['router', ...QUEUES].map(start))
    const post = createPost(String((await router?.said('Listening'))?.webhooks), SECRET, new AbortController().signal)
    const posted: string[] = []
    for (const delivery of realDeliveries().filter((one) => expectedQueue(one) !== undefined)) {
      const id = randomUUID()
      expect(await post(delivery, id)).toBe(202)
      posted.push(id)
    }
    await vi.waitFor(
      () => {
        const handled = bots.flatMap(({ lines }) => lines.filter(({ msg }) => msg === 'Delivery handled'))
        expect(handled.map((line) => String(line.message_id)).sort()).toEqual(posted.toSorted())
      },
      { timeout: 60_000, interval: 100 },
    )
    for (const child of [router, ...bots]) {
      child?.kill('SIGTERM')
      expect(await child?.closed).toEqual({ code: 0, signal: null })
      expect(child?.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    }
  })
})
