import { describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClient, type QueueClientOptions, QueueError } from '../src/index.ts'
import type { QueueTransport } from '../src/provider.ts'
import { type FakeClock, fakeClock } from '../src/testing.ts'
import { providerOf, scriptedDelivery, transportOf } from './client-support.ts'
import { meterRecorder, valuesOf } from './telemetry-support.ts'

const down = (): QueueError => new QueueError('ConnectionFailed', 'The broker does not answer.')

/** A client whose transport answers as it is told. */
const setUp = (
  methods: Partial<QueueTransport>,
  options: Partial<QueueClientOptions> = {},
): { clock: FakeClock; client: QueueClient } => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const provider = providerOf(transportOf(methods))
  const client = createQueueClient({ provider, queue: 'orders', clock, logger: false, retry: false, ...options })
  return { clock, client }
}

describe('health', () => {
  it('tells the depth and asks for no message (O3)', async () => {
    const asked: string[] = []
    const recorder = meterRecorder()
    const methods: Partial<QueueTransport> = {
      async probe() {
        asked.push('probe')
        return { depth: 7 }
      },
      async receive() {
        asked.push('receive')
        return []
      },
    }
    const { client } = setUp(methods, { meterProvider: recorder.provider })
    expect(await client.health()).toEqual({ depth: 7 })
    expect(asked).toEqual(['probe'])
    expect(await valuesOf(recorder)).toMatchObject({ queue_depth: [{ attributes: { queue: 'orders' }, value: 7 }] })
  })

  it('is good where the broker answers and does not tell the depth, which is then not shown (O3)', async () => {
    const recorder = meterRecorder()
    const { client } = setUp({ probe: async () => ({ depth: undefined }) }, { meterProvider: recorder.provider })
    expect(await client.health()).toEqual({ depth: undefined })
    expect(await valuesOf(recorder)).not.toHaveProperty('queue_depth')
  })

  it('rejects with the reason, and does not ask twice: whoever asks wants to know now', async () => {
    let probes = 0
    const methods: Partial<QueueTransport> = {
      async probe() {
        probes += 1
        throw down()
      },
    }
    const { client } = setUp(methods, { retry: { maxAttempts: 5 } })
    const place = { queue: 'orders', operation: 'health' }
    await expect(client.health()).rejects.toMatchObject({ code: 'ConnectionFailed', ...place })
    expect(probes).toBe(1)
  })

  it('is Unsupported where the provider cannot be asked (C17)', async () => {
    const { client } = setUp({})
    await expect(client.health()).rejects.toMatchObject({ code: 'Unsupported', facts: { feature: 'health' } })
  })

  it('rejects with why intake is paused though the broker answers (R5)', async () => {
    const { client } = setUp({
      probe: async () => ({ depth: 1 }),
      receive: async () => {
        throw down()
      },
    })
    for (let count = 0; count < 5; count += 1) await client.receive({ waitMs: 0 }).catch(() => {})
    await expect(client.health()).rejects.toMatchObject({ code: 'ConnectionFailed' })
  })

  it('rejects with why messages are held though the broker answers (protocol.md 4.2)', async () => {
    const outage = new QueueError('KeyProviderError', 'The key store is down.')
    const deliveries = [scriptedDelivery(fakeClock(Date.UTC(2026, 0, 1))).delivery]
    const { client } = setUp(
      { probe: async () => ({ depth: 1 }), receive: async () => deliveries.splice(0) },
      {
        crypto: {
          open: () => ({
            protect: async ({ body }) => ({ body, attributes: {}, seal: null }),
            unprotect: async () => [{ error: outage, disposition: { action: 'hold' } }],
          }),
        },
      },
    )
    await expect(client.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'KeyProviderError' })
    await expect(client.health()).rejects.toMatchObject({ code: 'KeyProviderError' })
    await client.close()
  })

  it('of a service that only sends is good again once its outage may be over: it gets no calls while it says that it is ill', async () => {
    const { clock, client } = setUp({
      probe: async () => ({ depth: 0 }),
      send: async () => {
        throw down()
      },
    })
    for (let count = 0; count < 5; count += 1) await client.send({ body: 'a' }).catch(() => {})
    await clock.advance(29_999)
    await expect(client.health()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    await clock.advance(1)
    expect(await client.health()).toEqual({ depth: 0 })
  })

  it('ends with an abort, and with its client (C6, C21)', async () => {
    const signals: AbortSignal[] = []
    const { client } = setUp({
      probe: ({ signal }) =>
        new Promise((_, reject) => {
          signals.push(signal)
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        }),
    })
    const controller = new AbortController()
    const aborted = client.health({ signal: controller.signal })
    controller.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    const closed = client.health()
    await Promise.all([client.close(), expect(closed).rejects.toMatchObject({ code: 'ClientClosed' })])
    await expect(client.health()).rejects.toMatchObject({ code: 'ClientClosed' })
    expect(signals).toHaveLength(2)
  })

  it('checks its options (C23)', async () => {
    const { client } = setUp({ probe: async () => ({ depth: 0 }) })
    const wrong = { timeoutMs: 5 } as never
    await expect(client.health(wrong)).rejects.toMatchObject({ code: 'Configuration', facts: { field: 'timeoutMs' } })
  })
})
