import { providerKit } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { type StrictSqs, startStrictSqs } from '@queue-runtime/sqs-strict'
import { afterAll, beforeAll } from 'vitest'
import { fifo, standard } from './subjects.ts'

let sqs: StrictSqs
beforeAll(async () => {
  sqs = await startStrictSqs()
})
afterAll(() => sqs.close())

for (const subject of [standard, fifo])
  describeCases(
    providerKit,
    subject(() => sqs),
    { concurrent: true },
  )
