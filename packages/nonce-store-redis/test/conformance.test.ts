import { nonceKit, runCase } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { startRedisCluster } from '@queue-runtime/redis-server'
import { describe, it } from 'vitest'
import { needsRedis, startsForAll } from './redis-here.ts'
import { oneServer, ownCluster, sharedCluster } from './subjects.ts'

const OPTIONS = { concurrent: 20, timeoutMs: 60_000 }

needsRedis()

describeCases(nonceKit, oneServer, OPTIONS)

describe('on a cluster', () => {
  const cluster = startsForAll(() => startRedisCluster())
  describeCases(
    nonceKit,
    sharedCluster(() => cluster().nodes),
    OPTIONS,
  )
})

describe('on a cluster that is filled up and cut off', { timeout: 60_000 }, () => {
  const cases = nonceKit.cases.filter(({ needs = [] }) => needs.includes('fill') || needs.includes('cut'))
  it.for(cases.map((one) => [one.name, one] as const))('%s', ([, one]) => runCase(nonceKit, ownCluster, one))
})
