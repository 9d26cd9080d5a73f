import { describe, expect, it } from 'vitest'
import { runWith } from './run-with.ts'

describe('pnpm bench service-bus', () => {
  it('has all send and receive the same messages, near and far (PF4)', { timeout: 120_000 }, async () => {
    const { exitCode, stdout, stderr } = await runWith('service-bus', '--rounds', '1', '--seed', '5', '--json')
    expect(exitCode).toBe(0)
    const { workloads } = JSON.parse(stdout)
    expect(workloads.map(({ name }: { name: string }) => name)).toEqual([
      'send, on this machine',
      'receive and complete, on this machine',
      'send, 10 ms there and back',
      'receive and complete, 10 ms there and back',
    ])
    for (const { contenders } of workloads) {
      expect(contenders.map(({ name }: { name: string }) => name)).toEqual([
        'SDK by hand',
        'client, plain',
        'client, sealed',
      ])
      for (const { microseconds } of contenders) expect(microseconds.median).toBeGreaterThan(0)
    }
    expect(stderr).toContain('receive and complete, 10 ms there and back')
  })
})
