import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Clock, createQueueClient } from '@queue-runtime/core'
import { EncryptionKey, memoryNonceStore, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it } from 'vitest'

/** 500 000 messages in the long run. */
const MESSAGES = 50_000 * Number(process.env.TEST_SCALE ?? 1)
const BATCH = 500
const SAMPLES = 10
/** Each message takes this much of the time that passes, so that the records of the nonce store come and go, too. */
const MESSAGE_MS = 25

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const heapBytes = (): number => {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** A clock that moves with the work and wakes nobody: what waits for time here waits for the end of the process. */
const workClock = (): Clock & { pass(ms: number): void } => {
  let now = Date.UTC(2026, 0, 1)
  return {
    now: () => now,
    sleep: (_, signal) =>
      new Promise((_resolve, reject) => {
        if (signal?.aborted) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
    pass(ms) {
      now += ms
    },
  }
}

describe('a client that runs for long', () => {
  it(`needs no more memory after ${MESSAGES} sealed messages than after the first tenth (C21, PF7)`, async () => {
    const clock = workClock()
    const broker = memoryBroker({ clock })
    const key = EncryptionKey.fromBytes(
      'orders-1',
      Uint8Array.from({ length: 32 }, (_, index) => index * 7),
    )
    const nonceStore = memoryNonceStore({ clock })
    const keyProvider = multiKeyProvider({ keys: [key] })
    const crypto = messageCrypto({ enabled: true, keyProvider, nonceStore, plaintextPolicy: 'reject' })
    const provider = memoryProvider({ broker })
    const client = createQueueClient({ provider, queue: 'orders', crypto, clock, logger: false })
    let handled = 0
    let onHandled = (): void => {}
    const consumer = client.consume(
      (message) => {
        clock.pass(MESSAGE_MS)
        handled += message.text().startsWith('message') ? 1 : 0
        if (handled % BATCH === 0) onHandled()
        // Some are settled by the handler itself.
        if (handled % 10 === 0) return message.complete()
        return undefined
      },
      { concurrency: 20 },
    )

    const samples: number[] = []
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      const done = new Promise<void>((resolve) => {
        onHandled = resolve
      })
      await client.sendBatch(Array.from({ length: BATCH }, (_, index) => ({ body: `message ${sent + index}` })))
      await done
      if ((sent + BATCH) % (MESSAGES / SAMPLES) === 0) samples.push(heapBytes())
    }
    await consumer.close()
    await client.close()

    const megabytes = samples.map((bytes) => Math.round(bytes / 1e5) / 10)
    process.stdout.write(`soak: heap in MB after each tenth of ${MESSAGES} messages: ${megabytes.join(', ')}\n`)
    expect([handled, broker.queue('orders').messages()]).toEqual([MESSAGES, []])
    // Records live for 10 minutes, which are 24 000 messages: from the first tenth of a long run on their number stands still.
    const settled = Math.ceil(24_000 / (MESSAGES / SAMPLES))
    const [first = 0, ...later] = samples.slice(settled)
    expect(Math.max(...later)).toBeLessThan(first * 1.1 + 1e6)
  }, 600_000)
})
