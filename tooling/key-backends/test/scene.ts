import { setImmediate as turn } from 'node:timers/promises'
import { type Consumer, createQueueClient, type QueueClient } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { cachedKeyProvider, type KeyProvider, messageCrypto } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import type { Backend } from './backends.ts'

/** The long run multiplies what is cheap to have more of. */
export const SCALE: number = Number(process.env.TEST_SCALE ?? 1)

export const SECOND = 1_000
export const MINUTE: number = 60 * SECOND

/** So many seconds may pass until what must happen happens. */
const PATIENCE = 90

/** Parties as processes are: of all that is here they share the broker and the key store. */
export async function createScene(start: (clock: ReturnType<typeof fakeClock>) => Promise<Backend>) {
  const clock = fakeClock(Date.UTC(2026, 10, 1))
  const backend = await start(clock)
  const broker = memoryBroker({ clock, maxDeliveryCount: 20 })
  const clients: QueueClient[] = []
  const refused: string[] = []
  const sent: string[] = []
  const handled = new Map<string, number>()
  const sealedWith = new Map<string, number>()
  let failure: unknown
  let asking = 0

  /** Time stands still while a key store is asked: it passes for the program, and not on the way. */
  const awaited = (source: KeyProvider): KeyProvider => {
    const count = async <T>(call: Promise<T>): Promise<T> => {
      asking += 1
      return call.finally(() => {
        asking -= 1
      })
    }
    return {
      getKey: (keyId, options) => count(source.getKey(keyId, options)),
      currentKeyId: (options) => count(source.currentKeyId(options)),
      validKeyIds: (options) => count(source.validKeyIds?.(options) ?? Promise.resolve([])),
    }
  }

  const join = (enabled?: true): QueueClient => {
    const keyProvider = cachedKeyProvider(awaited(backend.connect()), { clock, logger: false })
    const client = createQueueClient({
      ...{ provider: memoryProvider({ broker }), queue: 'orders', clock, logger: false, retry: false },
      crypto: messageCrypto({ enabled, keyProvider, plaintextPolicy: 'reject' }),
      onRejected({ error, disposition }) {
        if (disposition.action !== 'hold') refused.push(error.code)
      },
    })
    clients.push(client)
    return client
  }
  const bump = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

  /** Lets time pass for all who go by the clock. */
  const pass = async (ms: number, stepMs: number = SECOND): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.advance(Math.min(stepMs, left))
      do await turn()
      while (asking > 0)
      if (failure !== undefined) throw failure
    }
  }

  return {
    ...{ backend, broker: broker.queue('orders'), clock, refused, sent, handled, sealedWith, pass },
    /** Lets time pass until it holds. */
    async until(holds: () => boolean): Promise<void> {
      for (let left = PATIENCE; !holds(); left -= 1) {
        if (left === 0) throw new Error(`It does not come to pass: ${holds}`)
        await pass(SECOND)
      }
    },
    sender: () => join(true),
    /** A receiver that never stops. */
    receiver(): Consumer {
      const consumer = join().consume(
        async (message) => {
          bump(sealedWith, message.seal?.keyId ?? 'nothing')
          bump(handled, message.text())
        },
        { concurrency: 20 },
      )
      consumer.finished.catch((error: unknown) => {
        failure = error
      })
      return consumer
    },
    /** Sends so many messages; what does not get out is thrown. */
    async send(client: QueueClient, count: number): Promise<void> {
      const ids = Array.from({ length: count }, (_, index) => `m-${sent.length + index}`)
      sent.push(...ids)
      await client.sendBatch(ids.map((id) => ({ messageId: id, body: id })))
    },
    /** Resolves with what the work does, while time passes. */
    async during<T>(work: Promise<T>): Promise<T> {
      let isOver = false
      const done = work.finally(() => {
        isOver = true
      })
      done.catch(() => {})
      while (!isOver) await pass(SECOND)
      return done
    },
    async close(): Promise<void> {
      await Promise.all(clients.map((client) => client.close()))
      await backend.close()
    },
  }
}
