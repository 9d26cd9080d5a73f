import { whyMissing } from '@queue-runtime/system-tools'
import { afterAll, beforeAll, beforeEach } from 'vitest'

const missing = await whyMissing('redis')

/** Skips every test of a file, or of a block, with the reason, where there is no Redis and none can be fetched. */
export function needsRedis(): void {
  beforeEach((context) => context.skip(missing !== undefined, missing))
}

/** Starts what all tests of a file, or of a block, need, and ends it after them. Where there is no Redis they are skipped. */
export function startsForAll<T extends AsyncDisposable>(start: () => Promise<T>): () => T {
  needsRedis()
  let started: T | undefined
  beforeAll(async () => {
    if (missing === undefined) started = await start()
  }, 60_000)
  afterAll(() => started?.[Symbol.asyncDispose]())
  return () => started as T
}
