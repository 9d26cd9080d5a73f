import { setTimeout as sleep } from 'node:timers/promises'
import { createQueueClient, isQueueError } from '@queue-runtime/core'
import { envKeyProvider, messageCrypto } from '@queue-runtime/crypto'
import { sqsProvider } from '@queue-runtime/provider-sqs'
import { openJournal } from './journal.ts'
import { account, keyId, keyVariable, queue, queuePath, readPlace } from './place.ts'
import { sayReady, toldToFinish } from './program.ts'
import { randomFrom } from './random.ts'

void toldToFinish().then(() => process.exit(1))
const { folder, name, seed, endpoint, messages, sendMs } = readPlace()
const random = randomFrom(seed)
const journal = openJournal(folder, name)
const client = createQueueClient({
  // By its URL: the queue would name its own host otherwise, past the attacker.
  provider: sqsProvider({ ...account, endpoint, queues: { [queue]: { url: `${endpoint}${queuePath}` } } }),
  queue,
  crypto: messageCrypto({
    enabled: true,
    keyProvider: envKeyProvider({ variables: { [keyId]: keyVariable }, current: keyId }),
    plaintextPolicy: 'reject',
  }),
  logger: false,
})

/** Those whose sending failed, which may be in the queue all the same. */
async function sendSome(ids: readonly string[]): Promise<string[]> {
  const failed: string[] = []
  const outcomes = await client
    .sendBatch(ids.map((messageId) => ({ messageId, body: `the work of ${messageId}` })))
    .catch((error: unknown) => {
      if (isQueueError(error, 'BatchPartiallyFailed')) return error.facts.outcomes
      return ids.map(() => ({ error }))
    })
  for (const [index, id] of ids.entries()) {
    if ('error' in (outcomes[index] ?? { error: undefined })) failed.push(id)
    else journal.write({ fact: 'sent', id })
  }
  return failed
}

sayReady()
const begunMs = performance.now()
for (let number = 0; number < messages; ) {
  const size = Math.min(messages - number, 1 + random.below(10))
  let open = Array.from({ length: size }, (_, index) => `m-${number + index}`)
  while (open.length > 0) open = await sendSome(open)
  number += size
  await sleep(Math.max(0, begunMs + (sendMs * number) / messages - performance.now()))
}
await client.close()
process.exit(0)
