import { describe, expect, it } from 'vitest'
import { BACKENDS, type Backend } from './backends.ts'
import { createScene, MINUTE, SECOND } from './scene.ts'

type Break = (backend: Backend) => Promise<void>

/** What a key store can do to those who need it. */
const OUTAGES: readonly (readonly [what: string, begin: Break])[] = [
  ['answers 429', async ({ server, faults }) => server.inject(() => faults.throttled)],
  ['answers 503', async ({ server, faults }) => server.inject(() => faults.unavailable)],
  ['cuts connections', async ({ server }) => server.inject(() => ({ kind: 'cut', when: 'amid' }))],
  ['is down', ({ server }) => server.down()],
]

const CASES = BACKENDS.flatMap(([name, start]) => OUTAGES.map(([what, begin]) => ({ name, what, start, begin })))

/** The default of `cachedKeyProvider`. */
const STALE_LIMIT_MS = 60 * MINUTE
const BATCH = 20

describe('a key store that fails for longer than keys are cached', () => {
  it.each(CASES)(
    '$name $what: known keys work to the stale limit, then intake pauses, and all recover by themselves (KA4, X16, E1)',
    {
      timeout: 2 * MINUTE,
    },
    async ({ start, begin }) => {
      const scene = await createScene(start)
      const { backend, pass, handled, refused, broker, sent } = scene
      await backend.promoteKey(await scene.during(backend.createKey('orders-1')))
      const receiver = scene.receiver()
      const early = scene.sender()
      await scene.during(scene.send(early, BATCH))
      const joinedAt = scene.clock.now()
      await pass(3 * MINUTE, MINUTE)
      // Has asked three minutes later, and so knows its key three minutes longer.
      const late = scene.sender()
      await scene.during(scene.send(late, BATCH))
      await scene.until(() => handled.size === 2 * BATCH)

      await begin(backend)
      await pass(20 * MINUTE, MINUTE)
      for (const sender of [early, late]) await scene.during(scene.send(sender, BATCH))
      await scene.until(() => handled.size === 4 * BATCH)
      expect(receiver.state).toBe('running')

      await pass(joinedAt + STALE_LIMIT_MS + 30 * SECOND - scene.clock.now(), MINUTE)
      await expect(scene.during(early.send({ body: 'too late' }))).rejects.toMatchObject({ code: 'KeyProviderError' })
      await scene.during(scene.send(late, BATCH))
      await scene.until(() => receiver.state === 'paused')
      await pass(3 * MINUTE)
      await expect(scene.during(late.send({ body: 'too late' }))).rejects.toMatchObject({ code: 'KeyProviderError' })
      expect({ handled: handled.size, refused, dead: broker.deadLetters() }).toEqual({
        ...{ handled: 4 * BATCH, refused: [], dead: [] },
      })

      backend.server.inject()
      await backend.server.up()
      await pass(MINUTE)
      for (const sender of [early, late]) await scene.during(scene.send(sender, BATCH))
      await scene.until(() => sent.every((id) => handled.has(id)) && receiver.state === 'running')
      expect({ refused, left: broker.messages(), dead: broker.deadLetters() }).toEqual({
        refused: [],
        left: [],
        dead: [],
      })
      await scene.close()
    },
  )
})
