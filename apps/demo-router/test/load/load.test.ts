import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { samplesOf } from '../telemetry/exposition.ts'
import { describeLoad, runLoad } from './run-load.ts'

const SECONDS = 3 * Number(process.env.TEST_SCALE ?? 1)

it(`a load of signed deliveries for ${SECONDS} s: each that is answered 202 is handled once, and none is lost`, async () => {
  expect(
    existsSync(new URL('../../../../packages/core/dist/index.js', import.meta.url)),
    'run `pnpm build` first',
  ).toBe(true)
  const result = await runLoad({ seconds: SECONDS })
  const { source, target, lost, twice, strange } = result
  process.stdout.write(`${describeLoad(result)}\n`)
  expect({ lost, twice, strange }).toEqual({ lost: [], twice: [], strange: [] })
  const taken = source.taken.length
  expect(source.answers).toEqual({ 202: taken })
  expect(target.problems).toEqual([])
  // A machine that does less than this is so busy that the test shows nothing.
  expect(taken).toBeGreaterThan(10 * SECONDS)

  const samples = samplesOf(target.metrics)
  const total = (name: string, labels: Record<string, string> = {}): number =>
    samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0)
  expect(total('webhook_requests_total', { outcome: 'sent' })).toBe(taken)
  expect(total('queue_messages_sent_total', { encrypted: 'true', status: 'success' })).toBe(taken)
  expect(total('queue_messages_sent_total')).toBe(taken)
  expect(total('queue_messages_completed_total')).toBe(taken)
}, 120_000)
