import { describe, expect, it } from 'vitest'
import type { BackendNames } from '../src/backends/backends.ts'
import { type Delivery, realDeliveries } from '../src/demo/deliveries.ts'
import { expectedQueue } from '../src/demo/expected.ts'
import { play } from './demo-helpers.ts'

const isLong = Number(process.env.TEST_SCALE ?? 1) >= 10

/** Every fourth that a bot gets, and a few that nobody asked for. */
const some = (): Delivery[] => {
  const all = realDeliveries()
  const isAsked = (delivery: Delivery): boolean => expectedQueue(delivery) !== undefined
  return [...all.filter(isAsked).filter((_, at) => at % 4 === 0), ...all.filter((one) => !isAsked(one)).slice(0, 5)]
}

const MATRIX: readonly BackendNames[] = [
  { queue: 'sqs', keys: 'aws', nonces: 'redis' },
  { queue: 'azure', keys: 'azure', nonces: 'memory' },
  { queue: 'memory', keys: 'aws', nonces: 'memory' },
  { queue: 'memory', keys: 'azure', nonces: 'redis' },
  ...(isLong
    ? [
        { queue: 'sqs', keys: 'local', nonces: 'memory' },
        { queue: 'azure', keys: 'aws', nonces: 'redis' },
        { queue: 'sqs', keys: 'azure', nonces: 'memory' },
      ]
    : []),
]

describe('the same scenario on other backends (DR5, A15)', { timeout: 180_000 }, () => {
  it.each(MATRIX)('passes on $queue with keys of $keys and nonces in $nonces', async (backends) => {
    const deliveries = isLong ? realDeliveries() : some()
    const expected = deliveries.filter((delivery) => expectedQueue(delivery) !== undefined).length
    const { result, warnings } = await play({ backends, deliveries })
    expect(result).toMatchObject({
      received: deliveries.length,
      routed: expected,
      opened: expected,
      plaintextWindowsAtBroker: 0,
      failures: [],
    })
    const shown = result.attacks.map(({ name, refused, passed, code, reason, bystanders, bystandersOpened }) => [
      ...[name, refused, passed, code, reason, bystandersOpened - bystanders],
    ])
    expect(shown).toEqual([
      ['flip-bit', true, false, 'AuthenticationFailed', 'qr.rejected', 0],
      ['swap-bodies', true, false, 'AuthenticationFailed', 'qr.rejected', 0],
      ['move-queue', true, false, 'KeyNotFound', 'qr.unreadable', 0],
      ['inject-plaintext', true, false, 'UnencryptedMessage', 'qr.rejected', 0],
      ['hold-back', true, false, 'MessageExpired', 'qr.expired', 0],
      ['re-post', true, false, 'AuthenticationFailed', 'qr.rejected', 0],
    ])
    expect(warnings).toEqual([])
  })
})
