import { expect, test } from 'vitest'
import { memoryBroker, memoryProvider } from '../src/index.ts'

/** Options as JavaScript may give them. */
const wrong: readonly (readonly [field: string, value: unknown])[] = [
  ['clock', { now: () => 0 }],
  ['lockMs', 0],
  ['lockMs', 1.5],
  ['sessionLockMs', 0],
  ['maxDeliveryCount', 0],
  ['deadLetter', 'yes'],
  ['maxMessageBytes', -1],
  ['maxQueueSize', Number.NaN],
  ['timeToLiveMs', '5'],
  ['deduplicationWindowMs', 0],
  ['autoCreateQueues', 1],
  ['queues', 'orders'],
  ['queues', ['orders', '-']],
  ['faults', { errorRate: 1 }],
  ['tamper', true],
  ['onStored', {}],
  ['lockMillis', 1],
]

test.each(wrong)('C23, A16: memoryBroker names the option %s when it is %o', (field, value) => {
  const options = { [field]: value }
  expect(() => memoryBroker(options)).toThrow(expect.objectContaining({ code: 'Configuration', facts: { field } }))
})

test('C23, A16: memoryProvider takes a broker and nothing that only looks like one', () => {
  const [fake]: unknown[] = [{ queue: () => {}, queueNames: () => [] }]
  const options = { broker: fake as ReturnType<typeof memoryBroker> }
  expect(() => memoryProvider(options)).toThrow(
    expect.objectContaining({ code: 'Configuration', facts: { field: 'broker' } }),
  )
  expect(memoryProvider({ broker: memoryBroker() }).name).toBe('memory')
})

test('C23: an option that is undefined means the default', () => {
  const broker = memoryBroker({ lockMs: undefined, queues: undefined })
  expect(memoryProvider({ broker }).open('orders').lockMs).toBe(30_000)
})

test.each(['', '-orders', 'orders-', 'or--ders', 'or ders', 'a'.repeat(261)])(
  'M2: open refuses the queue name %j',
  (name) => {
    const refused = expect.objectContaining({ code: 'Validation', facts: expect.objectContaining({ field: 'queue' }) })
    expect(() => memoryProvider().open(name)).toThrow(refused)
    expect(() => memoryBroker().queue(name)).toThrow(refused)
  },
)
