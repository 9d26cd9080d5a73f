import { whyMissing } from '@queue-runtime/system-tools'
import { expect, it, vi } from 'vitest'
import { runPromtool } from '../ops/promtool.ts'
import { openCollector } from '../telemetry/collector.ts'
import { LIBRARY, ROUTER, typeOf } from '../telemetry/documented.ts'
import { familiesOf, samplesOf } from '../telemetry/exposition.ts'
import { startChild } from './child.ts'

const PATIENCE = { timeout: 60_000, interval: 50 }

/** Starts the demo, and resolves with the address of its page once it has played. */
const startDemo = async (env: Record<string, string> = {}) => {
  const child = startChild([], env)
  await vi.waitFor(() => expect(child.output()).toContain('Ctrl-C ends'), PATIENCE)
  return { child, url: /http:\/\/127\.0\.0\.1:\d+/.exec(child.output())?.[0] ?? '' }
}

it('the demo shows what it measures: names, kinds and labels as the pages list them, and no others (O1, O3, O4, O6)', async () => {
  const { url } = await startDemo()
  const read = async () => (await fetch(`${url}/metrics`)).text()
  const documented = { ...LIBRARY, ...ROUTER }
  const { target_info: target, ...families } = familiesOf(await read())
  expect(target?.labels).toEqual(new Set(['service_name', 'deployment_environment_name']))
  for (const [name, { type, labels }] of Object.entries(families)) {
    const entry = documented[name]
    if (entry === undefined) throw new Error(`${name} is on no page.`)
    expect([name, type, labels]).toEqual([name, typeOf(entry), entry.labels])
  }
  for (const name of [
    'webhook_requests_total',
    'webhook_request_duration_seconds',
    'queue_messages_sent_total',
    'queue_messages_received_total',
    'queue_messages_completed_total',
    'queue_messages_dead_lettered_total',
    'queue_crypto_errors_total',
    'queue_crypto_enabled',
    'queue_crypto_key_seals_total',
    'queue_send_duration_seconds',
    'queue_crypto_decrypt_duration_seconds',
    'queue_circuit_breaker_state',
  ])
    expect(Object.keys(families)).toContain(name)

  const page = await read()
  if ((await whyMissing('promtool')) === undefined)
    expect(await runPromtool(['check', 'metrics'], { input: page })).toEqual({ isGood: true, output: '' })
  expect(page).not.toMatch(/Codertocat|Hello-World|[0-9a-f]{64}|[A-Za-z0-9+/]{43}/)
  const samples = samplesOf(page)
  const ignored = samples.find(({ name, labels }) => name === 'webhook_requests_total' && labels.outcome === 'ignored')
  expect(ignored?.value).toBeGreaterThanOrEqual(243)
  const plain = samples.filter(
    ({ name, labels }) => name === 'queue_messages_sent_total' && labels.encrypted === 'false',
  )
  expect(plain).toEqual([])
}, 120_000)

it('the demo shows its measures to this machine alone', async () => {
  const { url } = await startDemo()
  const foreign = await fetch(`${url}/metrics`, { headers: { origin: 'https://elsewhere.example' } })
  expect(foreign.status).toBe(403)
}, 120_000)

it('the demo sends its traces where the standard variables say, whole from request to handler, without a body or a key (O9, SC3)', async () => {
  const collector = await openCollector()
  const { child } = await startDemo({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  child.kill('SIGINT')
  expect(await child.closed).toEqual({ code: 0, signal: null })
  const sent = collector.sent().toString('latin1')
  for (const name of ['POST /webhooks/github', 'queue.send', 'queue.process', 'queue.complete', 'demo-router'])
    expect(sent).toContain(name)
  expect(sent).not.toMatch(/"repository"|full_name/)
}, 120_000)

it('the demo refuses a variable of OpenTelemetry that cannot be meant, by its name and without its value', async () => {
  const child = startChild([], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_SAMPLER: 'hunter2' })
  expect(await child.closed).toEqual({ code: 2, signal: null })
  expect(child.output()).toMatch(/^OTEL_TRACES_SAMPLER must be one of [^\n]*\n$/)
  expect(child.output()).not.toContain('hunter2')
})
