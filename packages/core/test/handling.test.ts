import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createHandling, type Handling } from '../src/consuming/handling.ts'
import type { MessageHandler, ProcessOptions } from '../src/index.ts'
import { memoryless } from './client-support.ts'

const setUp = (handler: MessageHandler = () => {}, options: ProcessOptions = {}) => {
  const made = memoryless()
  const handled: string[] = []
  const stop = new AbortController()
  const handling: Handling = createHandling(made.parts, {
    handler: (message, context) => {
      handled.push(message.messageId)
      return handler(message, context)
    },
    options,
    stopping: stop.signal,
  })
  return { ...made, stop, handling, handled }
}

describe('a message in hand', () => {
  it('whose turn comes when its consumer closes goes back at once, unhandled (C21)', async () => {
    const { taken, stop, handling, handled } = setUp()
    const [early, late] = [taken(), taken()]
    const waiting = handling.accept(early)
    stop.abort(new Error('closing'))
    expect([await waiting.run(), await handling.accept(late).run()]).toEqual(['returned', 'returned'])
    expect([handled, early.asked, late.asked]).toEqual([[], ['abandon 0'], ['abandon 0']])
  })

  it('is not handled where its lock ended while it waited (edge case 3)', async () => {
    const { clock, taken, handling, handled } = setUp(undefined, { maxAutoRenewMs: 0 })
    const message = taken()
    const job = handling.accept(message)
    await clock.advance(30_000)
    expect([await job.run(), handled, message.asked]).toEqual(['kept', [], []])
  })

  it('is not handled where its lock ended a moment ago and no timer has told so yet', async () => {
    const { taken, handling, handled } = setUp()
    const message = taken({}, 0)
    expect([await handling.accept(message).run(), handled]).toEqual(['kept', []])
  })

  it('is not handled once it was given back', async () => {
    const { taken, handling, handled } = setUp()
    const message = taken()
    const job = handling.accept(message)
    await job.release()
    expect([await job.run(), handled, message.asked]).toEqual(['returned', [], ['abandon 0']])
  })

  it('is kept under its lock while it waits, and for the full time again from its turn on (S12)', async () => {
    const done = Promise.withResolvers<void>()
    const { clock, taken, handling } = setUp(() => done.promise, { maxAutoRenewMs: 60_000 })
    const message = taken()
    const job = handling.accept(message)
    await clock.advance(50_000)
    const running = job.run()
    await clock.advance(60_000)
    expect(message.settlement.lockedUntil.getTime()).toBeGreaterThan(clock.now())
    done.resolve()
    expect(await running).toBe('done')
  })

  it('tells what became of it', async () => {
    const { taken, handling } = setUp(async (message) => {
      if (message.messageId === 'abandoned') await message.abandon()
      if (message.messageId === 'failing') throw new Error('secret')
    })
    const run = (messageId: string) => handling.accept(taken({ messageId })).run()
    expect([await run('good'), await run('abandoned'), await run('failing')]).toEqual(['done', 'returned', 'returned'])
  })

  it('leaves no listener behind', async () => {
    const { taken, stop, handling } = setUp()
    for (let count = 0; count < 3; count += 1) await handling.accept(taken()).run()
    await handling.accept(taken()).release()
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('needs no second release where the first is under way', async () => {
    const { taken, handling } = setUp(() => new Promise(() => {}))
    const message = taken()
    const job = handling.accept(message)
    void job.run()
    await Promise.all([job.release(), job.release()])
    expect(message.asked).toEqual(['abandon 0'])
  })
})
