import type { MeterProvider } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import type { Counters, Counts } from '../counters.ts'

/** GitHub waits 10 s for an answer. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type Row = readonly [labels: { readonly outcome: string; readonly queue?: string }, count: number]

const rowsOf = ({ sent, ignored, refused, failed }: Counts): Row[] => [
  ...Object.entries(sent).map(([queue, count]): Row => [{ outcome: 'sent', queue }, count]),
  [{ outcome: 'ignored' }, ignored],
  ...Object.entries(refused).map(([outcome, count]): Row => [{ outcome }, count]),
  [{ outcome: 'failed' }, failed],
]

/** Measures what becomes of the requests of GitHub at `path`, and how long they wait for their answer. */
export function measureRequests(
  app: FastifyInstance,
  path: string,
  { counters, meterProvider }: { readonly counters: Pick<Counters, 'snapshot'>; readonly meterProvider: MeterProvider },
): void {
  const meter = meterProvider.getMeter('@queue-runtime/demo-router')
  const requests = meter.createObservableCounter('webhook_requests_total', {
    description: 'Requests by what became of them: sent, ignored, why they were refused, or failed',
  })
  requests.addCallback((result) => {
    for (const [labels, count] of rowsOf(counters.snapshot())) result.observe(count, labels)
  })
  const durations = meter.createHistogram('webhook_request_duration_seconds', {
    description: 'How long GitHub waited for an answer',
    unit: 's',
    advice: { explicitBucketBoundaries: ANSWER_SECONDS },
  })
  app.addHook('onResponse', async ({ routeOptions }, reply) => {
    if (routeOptions.url === path) durations.record(reply.elapsedTime / 1_000, { status: String(reply.statusCode) })
  })
}
