import { whyMissing } from '@queue-runtime/system-tools'
import { beforeEach, describe, expect, it } from 'vitest'
import { runWith } from './run-with.ts'

const missing = await whyMissing('redis')
beforeEach((context) => context.skip(missing !== undefined, missing))

describe('pnpm bench redis', () => {
  it('has all make the same claims on one server, and tells what a record takes (PF5)', {
    timeout: 120_000,
  }, async () => {
    const { exitCode, stdout, stderr } = await runWith('redis', '--rounds', '1', '--seed', '5', '--json')
    expect(exitCode).toBe(0)
    const { workloads } = JSON.parse(stdout)
    const timed = workloads.slice(0, -1)
    expect(timed).toHaveLength(5)
    for (const { contenders } of timed) {
      expect(contenders.map(({ name }: { name: string }) => name)).toEqual([
        'redis-benchmark',
        'ioredis, a bare pipeline',
        'redisNonceStore',
      ])
      for (const { microseconds } of contenders) expect(microseconds.median).toBeGreaterThan(0)
    }
    expect(workloads.at(-1).notes).toEqual([
      expect.stringMatching(/^a record that is claimed: \d+ bytes of used_memory, \d+ by MEMORY USAGE/),
      expect.stringMatching(/^a record that is completed: 1[0-7]\d bytes of used_memory, \d+ by MEMORY USAGE/),
    ])
    expect(stderr).toContain('batches of 16 claims, 8 at once')
  })
})
