import { setTimeout as sleep } from 'node:timers/promises'
import { createQueueClient, type MessageHandler } from '@queue-runtime/core'
import { envKeyProvider, messageCrypto } from '@queue-runtime/crypto'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { sqsProvider } from '@queue-runtime/provider-sqs'
import { openJournal } from './journal.ts'
import { account, keyId, keyVariable, lockMs, maxAgeMs, queue, readPlace } from './place.ts'
import { sayReady, toldToFinish } from './program.ts'
import { randomFrom } from './random.ts'
import { honest, sabotages } from './sabotage.ts'
import { watchedProvider, watchedStore } from './watched.ts'

const finish = toldToFinish()
const { folder, name, seed, endpoint, sentinelPort, masterName, sabotage = '' } = readPlace()
const wrong = sabotages[sabotage] ?? honest
const random = randomFrom(seed)
const journal = openJournal(folder, name)
/** By the broker's id, which alone a handler is told. */
const envelopes = new Map<string, string>()

const redis = redisNonceStore({
  server: { sentinels: [{ host: '127.0.0.1', port: sentinelPort }], name: masterName },
  waitReplicas: wrong.waitReplicas ?? 1,
  logger: false,
})
/** Where it hurts most: between confirm and deletion, and between work and confirm. Killed from outside it is at any moment. */
const perishSometimes = (): void => {
  if (random.chance(0.004)) process.kill(process.pid, 'SIGKILL')
}
const watched = watchedStore(redis, journal, perishSometimes)
const store = wrong.store ? wrong.store(watched) : watched
const sqs = watchedProvider(sqsProvider({ ...account, endpoint, lockMs }), journal, (broker, envelope) => {
  envelopes.set(broker, envelope)
})
const client = createQueueClient({
  provider: wrong.provider?.(sqs) ?? sqs,
  queue,
  crypto: messageCrypto({
    keyProvider: envKeyProvider({ variables: { [keyId]: keyVariable }, current: keyId }),
    plaintextPolicy: 'reject',
    maxMessageAgeMs: maxAgeMs,
    nonceCacheTtlMs: 2 * maxAgeMs,
    ...(store !== null && { nonceStore: store }),
  }),
  logger: false,
  onRejected({ brokerMessageId: broker, messageId: id, error, disposition }) {
    journal.write({ fact: 'refused', broker, id, code: error.code, action: disposition.action })
  },
})

const longestWorkMs = 60

const handle: MessageHandler = async ({ brokerMessageId: broker, messageId: id }) => {
  const letter = { broker, envelope: envelopes.get(broker) ?? '', id }
  journal.write({ fact: 'began', ...letter })
  await sleep(random.below(longestWorkMs))
  if (random.chance(0.03)) throw new Error('The handler failed.')
  journal.write({ fact: 'handled', ...letter })
  perishSometimes()
}

const consumer = client.consume(handle, { concurrency: 16 })
sayReady()
await finish
await consumer.close()
await client.close()
await redis.close()
process.exit(0)
