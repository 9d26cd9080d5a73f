import { randomUUID } from 'node:crypto'
import { systemClock } from '@queue-runtime/core/provider'
import { expect, it, onTestFinished, vi } from 'vitest'
import { realDeliveries } from '../../src/demo/deliveries.ts'
import { expectedQueue } from '../../src/demo/expected.ts'
import { createPost } from '../../src/demo/post.ts'
import { startLocal } from '../../src/local/start.ts'
import { openCollector, tracesIn } from '../telemetry/collector.ts'
import { samplesOf } from '../telemetry/exposition.ts'
import { startChild } from './child.ts'

const SECRET = 'a secret between GitHub and the router'
const BEFORE = 'the secret that GitHub had before'
const BOT = 'merge-warden'

const POSTED = 5

it('one trace goes from the request at the router to the handler in the process of the bot (O9, O10), and both tell what they did', async () => {
  const local = await startLocal({ queue: 'sqs', keys: 'aws', nonces: 'memory' }, systemClock)
  onTestFinished(() => local.close())
  const collector = await openCollector()
  const common = {
    ...local.variables,
    OPS_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
  const secrets = { GITHUB_WEBHOOK_SECRET: SECRET, GITHUB_WEBHOOK_SECRET_PREVIOUS: BEFORE }
  const router = startChild(['router'], { ...common, ...secrets, PORT: '0', OTEL_SERVICE_NAME: 'the-router' })
  const bot = startChild(['bot', BOT], { ...common, OTEL_SERVICE_NAME: 'the-bot' })
  const webhooks = String((await router.said('Listening')).webhooks)
  const [routerOps, botOps] = [await router.said('Started'), await bot.said('Started')].map(({ ops }) => String(ops))

  const deliveries = realDeliveries().filter((delivery) => expectedQueue(delivery) === BOT)
  // As while the secret is changed: GitHub signs with either.
  for (const [index, delivery] of deliveries.slice(0, POSTED).entries()) {
    const post = createPost(webhooks, index % 2 === 0 ? SECRET : BEFORE, new AbortController().signal)
    expect(await post(delivery, randomUUID())).toBe(202)
  }
  await vi.waitFor(() => expect(bot.lines.filter(({ msg }) => msg === 'Delivery handled')).toHaveLength(POSTED), {
    timeout: 20_000,
    interval: 50,
  })

  const read = async (ops = '') => samplesOf(await (await fetch(`${ops}/metrics`)).text())
  const total = (samples: Awaited<ReturnType<typeof read>>, name: string) =>
    samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0)
  const [ofRouter, ofBot] = [await read(routerOps), await read(botOps)]
  expect(total(ofRouter, 'queue_messages_sent_total')).toBe(POSTED)
  expect(ofRouter[0]?.labels).toEqual({ service_name: 'the-router', deployment_environment_name: 'production' })
  expect(total(ofBot, 'queue_messages_completed_total')).toBe(POSTED)
  expect(ofBot.map(({ name }) => name)).toContain('queue_depth')

  for (const child of [router, bot]) child.kill('SIGTERM')
  for (const child of [router, bot]) expect(await child.closed).toEqual({ code: 0, signal: null })
  const [atRouter, atBot] = [collector.sent('the-router'), collector.sent('the-bot')]
  for (const name of ['POST /webhooks/github', 'queue.send']) expect(atRouter.includes(name)).toBe(true)
  for (const name of ['queue.process', 'queue.complete']) expect(atBot.includes(name)).toBe(true)
  const traces = tracesIn(atRouter)
  expect(traces.size).toBe(POSTED)
  expect([...tracesIn(atBot)]).toEqual(expect.arrayContaining([...traces]))
  expect(collector.sent().toString('latin1')).not.toMatch(/Codertocat|Hello-World|a secret between|[0-9a-f]{64}/)
}, 120_000)
