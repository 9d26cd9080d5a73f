import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { isQueueError } from '@queue-runtime/core'
import { aesGcmCryptoProvider, EncryptionKey } from '@queue-runtime/crypto'
import { createLeakFinder } from '@queue-runtime/leaks'
import type { Row } from '../attack.ts'
import { flipped } from '../envelope-bytes.ts'
import { distinct, plant } from '../fates.ts'
import type { Ground } from '../ground.ts'
import { bothKeys, KEY_ID, keyBytes, keyOf, OLD_KEY_ID } from '../keys.ts'
import { shownOf } from '../outputs.ts'

/** Not JSON, and so short that Node's parser quotes it whole. */
const SECRET = 'secret-4711-account'

/** A meter whose readings can be shown. */
function recordedMetrics(): { meterProvider: MeterProvider; read: () => Promise<unknown> } {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  return {
    meterProvider,
    async read() {
      await meterProvider.forceFlush()
      const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
      await meterProvider.shutdown()
      return metrics.flatMap(({ metrics: all }) =>
        all.map(({ descriptor, dataPoints }) => ({ descriptor, dataPoints })),
      )
    },
  }
}

/** The error of a call that is bound to fail. */
const errorOf = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

/** Takes a key through everything that handles it, the ways to fail included, and returns all that it left behind. */
async function everythingShown(ground: Ground): Promise<unknown[]> {
  const { meterProvider, read } = recordedMetrics()
  const keyProvider = bothKeys()
  const key = keyOf(KEY_ID)
  const crypto = ground.crypto({ keyProvider })
  const client = ground.client({ keyProvider, maxSealsPerKey: 2 }, { meterProvider })
  await client.send({ body: 'hello', attributes: { a: 'b' } })
  const victim = await plant(ground)
  ground.queue().put({ ...victim, body: flipped(victim.body, 300) })
  ground.queue().put({ ...victim, body: Buffer.from('plaintext') })
  const { messages, rejected } = await client.receiveBatch({ waitMs: 0 })
  await client.send({ body: 'hello' })
  const disposed = keyOf(OLD_KEY_ID)
  disposed.dispose()
  const short = keyBytes(KEY_ID).subarray(0, 31)
  const cipher = aesGcmCryptoProvider(keyProvider, { clock: ground.clock })
  const errors = [
    await errorOf(() => client.send({ body: 'one too many' })),
    await errorOf(() => EncryptionKey.fromBytes(KEY_ID, short)),
    await errorOf(() => EncryptionKey.fromBytes('not an id', keyBytes(KEY_ID))),
    await errorOf(() => keyProvider.add(EncryptionKey.fromBytes(KEY_ID, keyBytes(OLD_KEY_ID)))),
    await errorOf(() => cipher.encrypt('missing', new Uint8Array(1), new Uint8Array(0))),
    await errorOf(() => cipher.encrypt(KEY_ID, 'no bytes' as unknown as Uint8Array, new Uint8Array(0))),
  ]
  const values = [key, disposed, { key }, [key], structuredClone(key), Object.entries(key), keyProvider]
  const parts = [crypto, client, cipher, messages, rejected]
  return [
    ...values,
    ...parts,
    ...errors,
    ground.lines,
    await read(),
    ground.queue().messages(),
    ground.queue().deadLetters(),
  ]
}

/** Lets handlers fail on a secret body, and returns what logs, errors and dead letters show. */
async function afterFailedHandlers(ground: Ground): Promise<unknown[]> {
  const client = ground.client()
  const shown: unknown[] = []
  await client.sendBatch([{ body: SECRET }, { body: SECRET }])
  let calls = 0
  const consumer = client.consume(
    (message) => {
      calls += 1
      // The first handler uses its own parser, whose error quotes the body; the second that of the message.
      return calls === 1 ? JSON.parse(message.text()) : message.json()
    },
    {
      onError: (error, message) => {
        shown.push(message, isQueueError(error) ? error : 'an error of the application')
        return error instanceof SyntaxError ? { action: 'dead-letter', reason: 'app.failed' } : undefined
      },
    },
  )
  await ground.clock.advance(0)
  await consumer.close()
  const letters = ground.queue().deadLetters()
  const reasons = letters.map(({ deadLettered }) => `${deadLettered?.reason} (${deadLettered?.description})`)
  const sealed = letters.filter(({ body }) => Buffer.from(body).toString('latin1').startsWith('QRE1')).length
  const passed: unknown[] = []
  for await (const letter of client.deadLetters().messages()) passed.push(letter, await letter.open())
  return [`${reasons.sort().join(', ')}, ${sealed} sealed`, ...shown, ground.lines, letters, ...passed]
}

const foundText = (spellings: readonly string[]): string =>
  spellings.length === 0 ? 'found nowhere' : `found as ${distinct(spellings)}`

/** What gets out beside the message itself. */
export const leakAttacks: readonly Row[] = [
  {
    number: 40,
    name: 'looks for a key in logs, errors, metrics, JSON and inspect',
    by: 'queue reader',
    expected: 'raw, utf8, hex, base64, base64url, numbers: found nowhere',
    catches: ['logs keys'],
    async run(ground) {
      const shown = (await everythingShown(ground)).map(shownOf).join('\n')
      const found = foundText([KEY_ID, OLD_KEY_ID].flatMap((keyId) => createLeakFinder(keyBytes(keyId))(shown)))
      return { outcome: `raw, utf8, hex, base64, base64url, numbers: ${found}`, facts: { characters: shown.length } }
    },
  },
  {
    number: 41,
    name: 'has a handler fail on a secret body',
    by: 'queue reader',
    expected: 'app.failed (SyntaxError), qr.invalid-body (InvalidBody), 2 sealed; the secret: found nowhere',
    catches: ['tells why the handler failed', 'logs bodies'],
    async run(ground) {
      const [letters, ...shown] = await afterFailedHandlers(ground)
      const text = shown.map(shownOf).join('\n')
      const found = foundText(createLeakFinder(Buffer.from(SECRET))(text))
      return { outcome: `${letters}; the secret: ${found}`, facts: { characters: text.length } }
    },
  },
]
