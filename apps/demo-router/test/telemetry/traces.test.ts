import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context } from '@opentelemetry/api'
import { createQueueClient } from '@queue-runtime/core'
import { memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openTelemetry } from '../../src/telemetry/telemetry.ts'
import { traceSettings } from '../../src/telemetry/variables.ts'
import { recordingLogger } from '../helpers.ts'

type Export = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** A collector that keeps what it is sent and answers as told. */
const openCollector = async (answer: (response: ServerResponse) => void = (response) => void response.end()) => {
  const exports: Export[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    exports.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { exports, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** As the variables are set in the environment of a process, from which the exporter reads for itself. */
const open = (variables: Record<string, string>, lastSpansMs?: number) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  const { logger, lines } = recordingLogger()
  const telemetry = openTelemetry({
    ...{ serviceName: 'demo-router', environment: 'test', variables: process.env, logger },
    ...(lastSpansMs !== undefined && { lastSpansMs }),
  })
  onTestFinished(async () => {
    await telemetry.close()
    context.disable()
    vi.unstubAllEnvs()
  })
  return { telemetry, lines }
}

const sendAndHandle = async ({ telemetry }: ReturnType<typeof open>) => {
  const { meterProvider, tracerProvider } = telemetry
  const client = createQueueClient({
    ...{ provider: memoryProvider(), queue: 'orders', logger: false, meterProvider },
    ...(tracerProvider && { tracerProvider }),
  })
  await client.send({ body: 'hunter2' })
  const handled = Promise.withResolvers<void>()
  client.consume(async () => handled.resolve())
  await handled.promise
  await client.close()
}

describe('traces', () => {
  it('go to the OTLP endpoint of the standard variables, with its headers and the name of the service (O9)', async () => {
    const collector = await openCollector()
    const house = open({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=blue',
      OTEL_SERVICE_NAME: 'webhooks',
    })
    await sendAndHandle(house)
    await house.telemetry.close()
    const [first] = collector.exports
    expect(first?.path).toBe('/v1/traces')
    expect(first?.headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'x-team': 'blue' })
    const sent = Buffer.concat(collector.exports.map(({ body }) => body)).toString('latin1')
    for (const name of ['queue.send', 'queue.receive', 'queue.process', 'queue.complete', 'webhooks'])
      expect(sent).toContain(name)
    expect(sent).not.toContain('hunter2')
    expect(sent).not.toContain('demo-router')
    expect(house.lines).toEqual([])
  })

  it.each([
    ['no endpoint is set', {}],
    ['it is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['the SDK is disabled', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_SDK_DISABLED: 'TRUE' }],
    ['the exporter is none', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_TRACES_EXPORTER: 'none' }],
  ])('are off where %s', (_name, variables) => {
    expect(traceSettings(variables)).toBeUndefined()
    expect(open(variables).telemetry.tracerProvider).toBeUndefined()
  })

  it('are not sent where the sampler says so', async () => {
    const collector = await openCollector()
    const house = open({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_off' })
    await sendAndHandle(house)
    await house.telemetry.close()
    expect(collector.exports).toEqual([])
  })

  it('that cannot be exported are one line, without the endpoint and what it holds (SC3)', async () => {
    const collector = await openCollector((response) => void response.writeHead(400).end('hunter2'))
    const endpoint = collector.url.replace('//', '//user:pass4711@')
    const house = open({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    await sendAndHandle(house)
    await house.telemetry.close()
    expect(house.lines.map(({ level, text }) => [level, text])).toEqual([['warn', 'Spans could not be exported']])
    expect(house.lines[0]?.fields.error_type).toMatch(/^\w+$/)
    expect(JSON.stringify(house.lines)).not.toMatch(/pass4711|hunter2|127\.0\.0\.1/)
  })

  it('hold up no stop where the collector never answers', async () => {
    const collector = await openCollector(() => {})
    const house = open({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, 50)
    await sendAndHandle(house)
    const begun = performance.now()
    await house.telemetry.close()
    // Far below the 10 s after which the exporter gives up.
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(collector.exports).toHaveLength(1)
  })
})

describe('a variable that cannot be meant is refused by name, and its value is not repeated', () => {
  const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
  it.each([
    ['OTEL_TRACES_EXPORTER', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json'],
    ['OTEL_TRACES_SAMPLER', 'hunter2'],
    ['OTEL_TRACES_SAMPLER', 'toString'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'hunter2'],
    ['OTEL_BSP_SCHEDULE_DELAY', '-1'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', 'hunter2'],
  ])('%s=%s', (name, value) => {
    const read = () => traceSettings({ ...ENDPOINT, [name]: value })
    expect(read).toThrow(new RegExp(`^${name} must be `))
    if (value === 'hunter2') expect(read).not.toThrow(value)
  })

  it.each(['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_traceidratio'])(
    'the sampler %s is known',
    (sampler) => {
      const settings = traceSettings({ ...ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0.5' })
      expect(settings?.sampler.toString()).toBeTypeOf('string')
      expect(settings?.batch).toEqual({})
    },
  )

  it('the numbers of a batch are those that are set', () => {
    const settings = traceSettings({
      ...ENDPOINT,
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_EXPORT_TIMEOUT: '200',
      OTEL_BSP_MAX_QUEUE_SIZE: '300',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '30',
    })
    expect(settings?.batch).toEqual({
      scheduledDelayMillis: 100,
      exportTimeoutMillis: 200,
      maxQueueSize: 300,
      maxExportBatchSize: 30,
    })
  })
})
