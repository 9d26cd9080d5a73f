import { describe, expect, it } from 'vitest'
import { BACKENDS } from './backends.ts'
import { createScene, MINUTE, SCALE, SECOND } from './scene.ts'

const MESSAGES = 500 * SCALE
/** So long a cache may not know of a change. */
const CACHE_MS = MINUTE + SECOND

describe.each(BACKENDS)('%s', (_, start) => {
  it(`is rotated while ${MESSAGES} messages flow from two senders to three receivers, and none is lost or refused (A27, X15)`, {
    timeout: 2 * MINUTE,
  }, async () => {
    const scene = await createScene(start)
    const { backend, sent, handled, sealedWith, refused, broker } = scene
    const first = await scene.during(backend.createKey('orders-1'))
    await backend.promoteKey(first)
    const senders = [scene.sender(), scene.sender()]
    scene.receiver()

    let isOver = false
    const traffic = async (): Promise<void> => {
      for (let at = 0; !isOver || sent.length < MESSAGES; at += 1) {
        const sender = senders[at % senders.length]
        const isAhead = sent.length > MESSAGES
        if (sender !== undefined) await scene.send(sender, isAhead ? 1 : Math.ceil(MESSAGES / 200))
        await scene.clock.sleep(SECOND)
      }
    }
    const rotate = async (): Promise<string> => {
      await scene.clock.sleep(20 * SECOND)
      const next = await backend.createKey('orders-2')
      // Started in between, with the new key there and the old one current.
      scene.receiver()
      await scene.clock.sleep(CACHE_MS)
      expect(await backend.promoteKey(next)).toBe(first)
      await scene.clock.sleep(CACHE_MS / 2)
      scene.receiver()
      await scene.clock.sleep(CACHE_MS)
      await backend.retireKey(first, 10 * SECOND)
      await scene.clock.sleep(5 * MINUTE)
      isOver = true
      return next
    }
    const flowing = traffic()
    flowing.catch(() => {})
    const next = await scene.during(rotate())
    await scene.during(flowing)
    await scene.until(() => sent.every((id) => handled.has(id)))

    expect(sent.length).toBeGreaterThanOrEqual(MESSAGES)
    expect(refused).toEqual([])
    expect({ left: broker.messages(), dead: broker.deadLetters() }).toEqual({ left: [], dead: [] })
    expect([...sealedWith.keys()]).toEqual([first, next])
    for (const uses of sealedWith.values()) expect(uses).toBeGreaterThan(MESSAGES / 20)
    await scene.close()
  })

  it(`makes no call per message: ${MESSAGES} messages in the steady state, no call at the server (PF6)`, async () => {
    const scene = await createScene(start)
    const { backend, pass, handled } = scene
    await backend.promoteKey(await scene.during(backend.createKey('orders-1')))
    const sender = scene.sender()
    for (let index = 0; index < 3; index += 1) scene.receiver()
    await scene.during(scene.send(sender, 10))
    // The other receivers have seen a message, too.
    for (let index = 0; index < 20; index += 1) await scene.during(scene.send(sender, 5))
    await pass(5 * SECOND)
    const before = backend.server.calls.length
    const batch = Math.ceil(MESSAGES / 20)
    for (let index = 0; index < 20; index += 1) {
      await scene.send(sender, batch)
      await pass(200, 100)
    }
    await scene.until(() => handled.size === 110 + 20 * batch)
    expect(backend.server.calls.slice(before)).toEqual([])
    await scene.close()
  })
})
