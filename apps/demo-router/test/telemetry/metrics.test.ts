import { randomBytes } from 'node:crypto'
import { createQueueClient, type QueueClientOptions, QueueError } from '@queue-runtime/core'
import { EncryptionKey, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { type BrokerCall, memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openTelemetry } from '../../src/telemetry/telemetry.ts'
import { recordingLogger } from '../helpers.ts'
import { LIBRARY, typeOf } from './documented.ts'
import { familiesOf, samplesOf } from './exposition.ts'

const QUEUE = 'orders'

const open = (variables: Record<string, string> = {}) => {
  const { logger, lines } = recordingLogger()
  const telemetry = openTelemetry({ serviceName: 'demo-router', environment: 'test', variables, logger })
  onTestFinished(() => telemetry.close())
  return { telemetry, logger, lines }
}

/** Lets a client do all that is measured. */
const useEverything = async ({ telemetry, logger }: ReturnType<typeof open>) => {
  const bytes = randomBytes(32)
  const keyProvider = multiKeyProvider({ keys: [EncryptionKey.fromBytes('key-a', bytes, { createdAt: new Date() })] })
  const faults = ({ operation, messageId, nth }: BrokerCall) => {
    if (operation !== 'send') return undefined
    if (messageId === 'forbidden') return { failBefore: new QueueError('PermissionDenied', 'Not you.') }
    return nth === 2 ? { failBefore: new QueueError('Timeout', 'No answer came.') } : undefined
  }
  const broker = memoryBroker({ faults })
  const provider = memoryProvider({ broker })
  const shared: QueueClientOptions = {
    ...{ provider, queue: QUEUE, logger, meterProvider: telemetry.meterProvider },
    retry: { initialMs: 1 },
  }
  const sealed = createQueueClient({
    ...shared,
    crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' }),
  })
  const plain = createQueueClient({ ...shared, crypto: messageCrypto({ enabled: false, keyProvider }) })
  onTestFinished(async () => void (await Promise.all([sealed.close(), plain.close()])))

  await sealed.sendBatch(['one', 'two', 'three', 'four'].map((body) => ({ body })))
  await (await sealed.receive())?.complete()
  await (await sealed.receive())?.abandon()
  await (await sealed.receive())?.deadLetter({ reason: 'customer-4711' })
  await sealed.health()
  await sealed.send({ body: 'five', sessionId: 'session-1' })
  const session = await sealed.acceptSession()
  await (await session?.receive())?.complete()
  await session?.close()
  const handled = Promise.withResolvers<void>()
  const consumer = sealed.consume(async () => handled.resolve())
  await handled.promise
  await consumer.close()
  await expect(sealed.send({ body: 'six', messageId: 'forbidden' })).rejects.toThrow('Not you.')
  await plain.send({ body: 'readable' })
  while ((await sealed.receive({ waitMs: 10 })) !== null);
}

describe('the page of metrics', () => {
  it('has exactly the names, types and labels of docs/observability.md, after all was done (O1, O3, O4, O6)', async () => {
    const house = open()
    await useEverything(house)
    const families = familiesOf(await house.telemetry.metricsText())
    const { target_info: target, ...measured } = families
    expect(target?.type).toBe('gauge')
    const promised = Object.entries(LIBRARY).map(([name, entry]) => [
      name,
      { type: typeOf(entry), labels: entry.labels },
    ])
    const found = Object.entries(measured).map(([name, { type, labels }]) => [name, { type, labels }])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(promised))
  })

  it('has the buckets that are asked for (O4)', async () => {
    const house = open()
    await useEverything(house)
    const families = familiesOf(await house.telemetry.metricsText())
    const bounds = (name: string) => families[name]?.bounds
    expect(bounds('queue_send_duration_seconds')).toEqual([0.001, 0.01, 0.1, 1, 5])
    expect(bounds('queue_receive_duration_seconds')).toEqual([0.001, 0.01, 0.1, 1, 20])
    expect(bounds('queue_message_processing_duration_seconds')).toEqual([0.001, 0.01, 0.1, 1, 10, 60, 300])
    expect(bounds('queue_session_duration_seconds')).toEqual([1, 10, 60, 300, 1_800, 3_600])
    expect(bounds('queue_crypto_encrypt_duration_seconds')?.at(0)).toBe(1e-6)
  })

  it('counts what was sent, and tells sealed from plain', async () => {
    const house = open()
    await useEverything(house)
    const samples = samplesOf(await house.telemetry.metricsText())
    const value = (name: string, labels: Record<string, string>) =>
      samples.find((sample) => {
        const all = Object.entries(sample.labels)
        return (
          sample.name === name && all.length === Object.keys(labels).length && all.every(([k, v]) => labels[k] === v)
        )
      })?.value
    const sent = (encrypted: string) => ({ queue: QUEUE, encrypted, status: 'success' })
    expect(value('queue_messages_sent_total', sent('true'))).toBe(5)
    expect(value('queue_messages_sent_total', sent('false'))).toBe(1)
    expect(value('queue_retry_attempts_total', { queue: QUEUE })).toBe(1)
    expect(value('queue_messages_dead_lettered_total', { queue: QUEUE, reason: 'other' })).toBe(1)
    expect(value('queue_crypto_key_seals_total', { key_id: 'key-a' })).toBe(6)
  })

  it('names the process and where it runs, and the environment has the last word (O3)', async () => {
    const { telemetry } = open()
    const [target] = samplesOf(await telemetry.metricsText())
    expect(target).toEqual({
      name: 'target_info',
      labels: { service_name: 'demo-router', deployment_environment_name: 'test' },
      value: 1,
    })
  })
})
