import { rmSync } from 'node:fs'
import { startStrictSqs } from '@queue-runtime/sqs-strict'
import { queue, readPlace } from './place.ts'
import { sayReady, toldToFinish } from './program.ts'

/** As many deliveries as SQS allows: nothing is given up for being delivered often. */
const maxReceiveCount = 1_000

const { folder, isKept } = readPlace()
const finish = toldToFinish(() => {
  if (!isKept) rmSync(folder, { recursive: true, force: true })
})
const sqs = await startStrictSqs()
await sqs.createQueueWithDeadLetters(queue, maxReceiveCount)
sayReady({ endpoint: sqs.endpoint })
await finish
process.exit(0)
