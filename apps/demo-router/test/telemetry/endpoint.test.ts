import { metrics } from '@opentelemetry/api'
import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCounters } from '../../src/counters.ts'
import { serveMetrics } from '../../src/telemetry/metrics-endpoint.ts'
import { measureRequests } from '../../src/telemetry/requests.ts'
import { openTelemetry } from '../../src/telemetry/telemetry.ts'
import { recordingLogger } from '../helpers.ts'
import { ROUTER, typeOf } from './documented.ts'
import { familiesOf, samplesOf } from './exposition.ts'

const open = () => {
  const { logger } = recordingLogger()
  const telemetry = openTelemetry({ serviceName: 'demo-router', environment: 'test', variables: {}, logger })
  onTestFinished(() => telemetry.close())
  return telemetry
}

describe('GET /metrics', () => {
  it('answers in the text format of Prometheus, for nobody to keep', async () => {
    const app = fastify()
    serveMetrics(app, open())
    onTestFinished(() => app.close())
    const page = await app.inject({ url: '/metrics' })
    expect(page.statusCode).toBe(200)
    expect(page.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(page.body).toMatch(/^# HELP target_info Target metadata\n/)
  })
})

describe('the measures of the router', () => {
  const start = async () => {
    const telemetry = open()
    const app = fastify()
    const counters = createCounters()
    measureRequests(app, '/webhooks', { counters, meterProvider: telemetry.meterProvider })
    app.post('/webhooks', (_request, reply) => reply.code(202).send())
    app.get('/page', (_request, reply) => reply.send('page'))
    serveMetrics(app, telemetry)
    onTestFinished(() => app.close())
    return { telemetry, app, counters }
  }

  it('are those of docs/operations.md, every outcome from the start (DR2, DR6)', async () => {
    const { telemetry, app } = await start()
    await app.inject({ method: 'POST', url: '/webhooks' })
    const { target_info: _, ...measured } = familiesOf(await telemetry.metricsText())
    const found = Object.entries(measured).map(([name, { type, labels }]) => [name, { type, labels }])
    const promised = Object.entries(ROUTER).map(([name, entry]) => [
      name,
      { type: typeOf(entry), labels: entry.labels },
    ])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(promised))
  })

  it('count each outcome, and time only what GitHub asks', async () => {
    const { app, counters } = await start()
    counters.count({ status: 'sent', queue: 'merge-warden', messageId: 'm' })
    counters.count({ status: 'ignored' })
    counters.count({ status: 'refused', refusal: 'too-large' })
    counters.count({ status: 'refused', refusal: 'too-large' })
    counters.countFailure()
    await app.inject({ method: 'POST', url: '/webhooks' })
    await app.inject({ url: '/page' })
    const samples = samplesOf((await app.inject({ url: '/metrics' })).body)
    const requests = samples.filter(({ name, value }) => name === 'webhook_requests_total' && value > 0)
    expect(requests.map(({ labels, value }) => [labels, value])).toEqual([
      [{ outcome: 'sent', queue: 'merge-warden' }, 1],
      [{ outcome: 'ignored' }, 1],
      [{ outcome: 'too-large' }, 2],
      [{ outcome: 'failed' }, 1],
    ])
    const timed = samples.filter(({ name }) => name === 'webhook_request_duration_seconds_count')
    expect(timed.map(({ labels, value }) => [labels, value])).toEqual([[{ status: '202' }, 1]])
  })

  it('register nothing for the whole process', async () => {
    await start()
    expect(metrics.getMeterProvider().getMeter('x').createCounter('y').constructor.name).toMatch(/Noop/)
  })
})
