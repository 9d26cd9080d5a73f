import { describe, expect, it } from 'vitest'
import { createHandling } from '../src/consuming/handling.ts'
import { memoryless } from './client-support.ts'

describe('a handler', () => {
  it('that starts while its consumer closes is told so from the first moment', async () => {
    const { parts, taken } = memoryless()
    const stop = new AbortController()
    stop.abort(new Error('closing'))
    const seen: unknown[] = []
    const handling = createHandling(parts, {
      handler: (_, { signal }) => void seen.push(signal.aborted, signal.reason.message),
      options: {},
      stopping: stop.signal,
    })
    const message = taken()
    expect(await handling.accept(message).run()).toBe(true)
    expect([seen, message.asked]).toEqual([[true, 'closing'], ['complete']])
  })
})
