import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '@queue-runtime/core/provider'
import { startServiceBusEmulator } from '@queue-runtime/service-bus-emulator'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BackendNames } from '../../src/backends/backends.ts'
import { realDeliveries } from '../../src/demo/deliveries.ts'
import { expectedQueue } from '../../src/demo/expected.ts'
import { createPost } from '../../src/demo/post.ts'
import { QUEUES, type QueueName } from '../../src/github/routes.ts'
import { type Local, startLocal } from '../../src/local/start.ts'
import { type Child, startChild } from './child.ts'

const SECRET = 'a secret between GitHub and the router'

/** Locks of a process that was killed end soon; ports are any free ones. */
const COMMON = { GITHUB_WEBHOOK_SECRET: SECRET, PORT: '0', OPS_PORT: '0', SQS_LOCK_SECONDS: '2', SHUTDOWN_SECONDS: '5' }

const WORK = { BOT_WORK_MS: '30' }

const rest = { GITHUB_WEBHOOK_SECRET: undefined, PORT: undefined }

/** Service Bus says itself how long its locks last. */
const startWithShortLocks = async (names: BackendNames): Promise<Pick<Local, 'variables' | 'operatorOf' | 'close'>> => {
  const queue = { lockDurationMs: 3_000 }
  const broker = await startServiceBusEmulator({ queues: Object.fromEntries(QUEUES.map((name) => [name, queue])) })
  const { variables, operatorOf, close } = await startLocal({ ...names, queue: 'memory' }, systemClock)
  return {
    operatorOf,
    variables: { ...variables, QUEUE_PROVIDER: 'azure', SERVICEBUS_CONNECTION_STRING: broker.connectionString },
    async close() {
      await close()
      await broker.close()
    },
  }
}

const handledBy = (bots: readonly Child[]): string[] =>
  bots.flatMap(({ lines }) =>
    lines.filter(({ msg }) => msg === 'Delivery handled').map((line) => String(line.message_id)),
  )

const status = async (url: string): Promise<number> => (await fetch(url)).status

describe.each<BackendNames>([
  { queue: 'sqs', keys: 'aws', nonces: 'memory' },
  { queue: 'azure', keys: 'azure', nonces: 'redis' },
])('a router and three bots as processes, on local $queue, $keys and $nonces', { timeout: 120_000 }, (names) => {
  let local: Pick<Local, 'variables' | 'operatorOf' | 'close'>
  beforeAll(async () => {
    local = await (names.queue === 'azure' ? startWithShortLocks(names) : startLocal(names, systemClock))
  })
  afterAll(() => local.close())

  const startRouter = async () => {
    const router = startChild(['router'], { ...local.variables, ...COMMON })
    const [{ webhooks }, { ops }] = [await router.said('Listening'), await router.said('Started')]
    return { router, webhooks: String(webhooks), ops: String(ops) }
  }

  const startBot = async (queue: QueueName): Promise<{ bot: Child; ops: string }> => {
    const bot = startChild(['bot', queue], { ...local.variables, ...COMMON, ...WORK, ...rest })
    return { bot, ops: String((await bot.said('Started')).ops) }
  }

  it('lose nothing although a bot is killed in the middle of its work and comes back later', async () => {
    const { router, webhooks, ops } = await startRouter()
    const bots = await Promise.all(QUEUES.map(startBot))
    await vi.waitFor(
      async () => {
        for (const url of [ops, ...bots.map((one) => one.ops)]) {
          expect([await status(`${url}/healthz`), await status(`${url}/readyz`)]).toEqual([200, 200])
        }
      },
      { timeout: 20_000, interval: 250 },
    )
    const post = createPost(webhooks, SECRET, new AbortController().signal)
    const posted: string[] = []
    const deliver = async (): Promise<void> => {
      const deliveries = realDeliveries().filter((delivery) => expectedQueue(delivery) !== undefined)
      for (const delivery of deliveries.slice(0, 60)) {
        const id = randomUUID()
        expect(await post(delivery, id)).toBe(202)
        posted.push(id)
      }
    }
    const delivering = deliver()
    const victim = bots[0]?.bot
    await victim?.said('Delivery handled')
    victim?.kill('SIGKILL')
    await victim?.closed
    await delivering
    await delay(500)
    const all = [...bots.map(({ bot }) => bot)]
    const missing = () => posted.filter((id) => !handledBy(all).includes(id))
    expect(missing().length).toBeGreaterThan(0)
    all.push((await startBot(QUEUES[0])).bot)
    await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 60_000, interval: 100 })

    for (const child of [router, ...all.slice(1)]) child.kill('SIGTERM')
    for (const child of [router, ...all.slice(1)]) expect(await child.closed).toEqual({ code: 0, signal: null })
    for (const child of [router, ...all]) {
      expect(child.output()).not.toMatch(/Codertocat|Hello-World|a secret between|[0-9a-f]{64}/)
      expect(child.lines.filter(({ level }) => level === 'error')).toEqual([])
    }
  })

  it('take a new key from the store while they run, and still open what was sealed with the old one', async () => {
    const refresh = { KEY_REFRESH_MS: '500' }
    const router = startChild(['router'], { ...local.variables, ...COMMON, ...refresh })
    const post = createPost(String((await router.said('Listening')).webhooks), SECRET, new AbortController().signal)
    const posted: string[] = []
    const deliver = async (): Promise<void> => {
      const repository = { name: randomUUID(), owner: { login: 'o' } }
      const id = randomUUID()
      expect(await post({ event: 'push', body: JSON.stringify({ ref: 'refs/heads/main', repository }) }, id)).toBe(202)
      posted.push(id)
    }
    await deliver()
    const { create, promote } = local.operatorOf('spec-sentinel')
    const keyId = await create()
    await promote(keyId)
    const sealedWith = (lines: Child['lines'], msg: string) =>
      posted.map((id) => lines.find((line) => line.message_id === id && line.msg === msg)?.key_id)
    await vi.waitFor(
      async () => {
        await deliver()
        expect(sealedWith(router.lines, 'Message sent with encryption').at(-1)).toBe(keyId)
      },
      { timeout: 20_000, interval: 200 },
    )
    const bot = startChild(['bot', 'spec-sentinel'], { ...local.variables, ...COMMON, ...refresh, ...rest })
    await vi.waitFor(() => expect(handledBy([bot]).sort()).toEqual(posted.toSorted()), { timeout: 30_000 })
    const used = sealedWith(bot.lines, 'Message received with encryption')
    expect(used).toEqual(sealedWith(router.lines, 'Message sent with encryption'))
    expect([used[0] === keyId, used.at(-1)]).toEqual([false, keyId])
  })
})

describe('a bot whose queue has sessions', { timeout: 60_000 }, () => {
  it('keeps the order of each pull request (S6)', async () => {
    const broker = await startServiceBusEmulator({ queues: { 'task-tactician': { requiresSession: true } } })
    onTestFinished(() => broker.close())
    const local = await startLocal({ queue: 'memory', keys: 'aws', nonces: 'memory' }, systemClock)
    onTestFinished(() => local.close())
    const environment = {
      ...local.variables,
      ...COMMON,
      QUEUE_PROVIDER: 'azure',
      SERVICEBUS_CONNECTION_STRING: broker.connectionString,
      SERVICEBUS_SESSIONS: 'on',
    }
    const router = startChild(['router'], environment)
    const post = createPost(String((await router.said('Listening')).webhooks), SECRET, new AbortController().signal)
    const posted: string[] = []
    const repository = { name: 'r', owner: { login: 'o' } }
    for (let step = 0; step < 12; step += 1) {
      const body = JSON.stringify({ action: 'edited', pull_request: { number: 1 + (step % 2) }, repository })
      const id = `${1 + (step % 2)}-${step}`
      expect(await post({ event: 'pull_request', body }, id)).toBe(202)
      posted.push(id)
    }
    const bot = startChild(['bot', 'task-tactician'], { ...environment, ...WORK, ...rest })
    await vi.waitFor(() => expect(handledBy([bot])).toHaveLength(12), { timeout: 30_000, interval: 50 })
    for (const number of ['1', '2']) {
      const isOf = (id: string): boolean => id.startsWith(`${number}-`)
      expect(handledBy([bot]).filter(isOf)).toEqual(posted.filter(isOf))
    }
  })
})
