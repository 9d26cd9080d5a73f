import { systemClock } from '@queue-runtime/core/provider'
import { CONDITION } from '@queue-runtime/service-bus-emulator'
import { describe, expect, it } from 'vitest'
import { accept, codeOf, local, never, noneIn, send, take, takeAll, textOf, wire } from './support.ts'

const here = local()

/** A lock that no test reaches the end of. */
const LONG = { lockDurationMs: 120_000 }

/** A clock that can be set ahead of the broker's. */
const settableClock = () => {
  const clock = { ...systemClock, aheadMs: 0, now: () => Date.now() + clock.aheadMs }
  return clock
}

describe.concurrent('what becomes of a settlement', () => {
  it('a lock is over when it is by our own clock: the broker is not asked (C10)', async () => {
    const { queue: make, open, look } = here()
    const clock = settableClock()
    const queue = make({ lockDurationMs: 60_000 })
    const transport = open(queue, { clock })
    await send(transport, wire('one'), wire('two'), wire('three'), wire('four'))
    const [one, two, three, four] = await takeAll(transport, 4)
    clock.aheadMs = 61_000
    const calls = [
      one?.complete(),
      two?.abandon({ delayMs: 0 }),
      three?.deadLetter({ reason: 'late' }),
      four?.renewLock(),
    ]
    expect(await Promise.all(calls.map((call) => codeOf(Promise.resolve(call))))).toEqual(
      Array(4).fill('MessageLockLost'),
    )
    expect(look(queue).messages()).toHaveLength(4)
    expect(
      look(queue)
        .messages()
        .every(({ state }) => state === 'locked'),
    ).toBe(true)
    expect(look(queue).deadLetters()).toEqual([])
  })

  it('what the broker refuses because the lock is gone gives MessageLockLost, then and ever after (C7, PA8)', async () => {
    const { queue: make, open, emulator } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('hello'))
    const delivery = await take(transport)
    emulator.inject('settle', { error: CONDITION.messageLockLost }, { queue, times: 1 })
    expect(await codeOf(delivery.complete())).toBe('MessageLockLost')
    expect(await codeOf(delivery.complete())).toBe('MessageLockLost')
    expect(await codeOf(delivery.renewLock())).toBe('MessageLockLost')
  })

  it.for([[false], [true]] as const)(
    'what the broker refuses for another reason says so, and may be asked for again (PA8, in a session: %s)',
    async ([requiresSession]) => {
      const { queue: make, open, emulator, look } = here()
      const queue = make({ ...LONG, requiresSession })
      const transport = open(queue)
      await send(transport, ...['one', 'two', 'three'].map((text) => wire(text, { sessionId: 'a' })))
      const receiver = requiresSession ? await accept(transport, 'a') : transport
      const [one, two, three] = await takeAll(receiver, 3)
      emulator.inject('settle', { error: CONDITION.serverBusy }, { queue, times: 3 })
      const settle = (): Promise<string[]> => {
        const calls = [one?.complete(), two?.deadLetter({ reason: 'r' }), three?.abandon({ delayMs: 0 })]
        return Promise.all(calls.map((call) => codeOf(Promise.resolve(call))))
      }
      expect(await settle()).toEqual(['Throttled', 'Throttled', 'Throttled'])
      expect(await settle()).toEqual(['done', 'done', 'done'])
      expect(
        look(queue)
          .messages()
          .map(({ deliveryCount }) => deliveryCount),
      ).toEqual([1])
      expect(
        look(queue)
          .deadLetters()
          .map(({ applicationProperties }) => applicationProperties.DeadLetterReason),
      ).toEqual(['r'])
    },
  )

  it.for([['before'], ['after']] as const)(
    'a settlement whose answer never comes gives Timeout in time; asked for again, it is done (%s it was done)',
    async ([moment]) => {
      const { queue: make, open, emulator, look } = here()
      const queue = make(LONG)
      const transport = open(queue)
      await send(transport, wire('hello'))
      const delivery = await take(transport)
      emulator.inject('settle', { stall: moment }, { queue, times: 1 })
      const begun = performance.now()
      expect(await codeOf(delivery.complete())).toBe('Timeout')
      expect(performance.now() - begun).toBeLessThan(20_000)
      await delivery.complete()
      expect(look(queue).messages()).toEqual([])
      expect(await codeOf(delivery.complete())).toBe('MessageLockLost')
    },
  )

  it('what may have been done is not taken for something else that is asked for then', async () => {
    const { queue: make, open, emulator, look } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('hello'))
    const delivery = await take(transport)
    emulator.inject('settle', { stall: 'after' }, { queue, times: 1 })
    expect(await codeOf(delivery.complete())).toBe('Timeout')
    expect(await codeOf(delivery.deadLetter({ reason: 'r' }))).toBe('MessageLockLost')
    expect([...look(queue).messages(), ...look(queue).deadLetters()]).toEqual([])
  })

  it('a renewal whose answer never comes gives Timeout in time, and the lock is still the one it was (S12)', async () => {
    const { queue: make, open, emulator } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('hello'))
    const delivery = await take(transport)
    const before = delivery.message.lockedUntil
    emulator.inject('management', { stall: 'before' }, { queue, times: 1 })
    expect(await codeOf(delivery.renewLock())).toBe('Timeout')
    expect(delivery.message.lockedUntil).toEqual(before)
    expect((await delivery.renewLock()).getTime()).toBeGreaterThan(before.getTime())
  })

  it('a hundred locks are renewed at once, each its own (S12, PA9)', async () => {
    const { queue: make, open } = here()
    const queue = make({ lockDurationMs: 3_000 })
    const transport = open(queue)
    await send(transport, ...Array.from({ length: 100 }, (_, index) => wire(String(index))))
    const deliveries = await takeAll(transport, 100)
    const before = deliveries.map(({ message }) => message.lockedUntil.getTime())
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await Promise.all(deliveries.map((delivery) => delivery.renewLock()))
    expect(deliveries.every(({ message }, index) => message.lockedUntil.getTime() > (before[index] ?? 0))).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 1_700))
    expect(await noneIn(open(queue))).toBe(true)
    await Promise.all(deliveries.map((delivery) => delivery.complete()))
  })

  it('while one message is held, thousands of others come and go: a link brings 2048 from the oldest on (field-notes 1.4)', async () => {
    const { queue: make, open, look } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, wire('held'))
    const held = await take(transport)
    const texts = Array.from({ length: 4_500 }, (_, index) => String(index))
    await send(open(queue), ...texts.map((text) => wire(text)))
    const handled: string[] = []
    while (handled.length < texts.length) {
      const deliveries = await transport.receive({
        maxMessages: 300,
        waitMs: 3_000,
        signal: never,
      })
      if (deliveries.length === 0) break
      handled.push(...deliveries.map(textOf))
      await Promise.all(deliveries.map((delivery) => delivery.complete()))
    }
    expect(handled.toSorted()).toEqual(texts.toSorted())
    await held.complete()
    expect(look(queue).messages()).toEqual([])
  })

  it('after a message whose lock ended, thousands of others come and go: it keeps its place on the link (field-notes 1.4)', async () => {
    const { queue: make, open, look } = here()
    const clock = settableClock()
    const queue = make(LONG)
    const transport = open(queue, { clock })
    await send(transport, wire('late'))
    const late = await take(transport)
    clock.aheadMs = 121_000
    expect(await codeOf(late.complete())).toBe('MessageLockLost')
    clock.aheadMs = 0
    await send(open(queue), ...Array.from({ length: 4_500 }, (_, index) => wire(String(index))))
    const counts: number[] = []
    while (counts.length < 4_500) {
      const deliveries = await transport.receive({ maxMessages: 200, waitMs: 3_000, signal: never })
      if (deliveries.length === 0) break
      counts.push(...deliveries.map(({ message }) => message.deliveryCount))
      await Promise.all(deliveries.map((delivery) => delivery.complete()))
    }
    expect(counts).toEqual(Array(4_500).fill(1))
    expect(look(queue).messages()).toHaveLength(1)
  })

  it('more messages than a link brings can be held at once (field-notes 1.4)', async () => {
    const { queue: make, open, look } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(open(queue), ...Array.from({ length: 2_500 }, (_, index) => wire(String(index))))
    const held = await takeAll(transport, 2_500)
    expect(held).toHaveLength(2_500)
    await Promise.all(held.map((delivery) => delivery.complete()))
    expect(look(queue).messages()).toEqual([])
  })
})

describe('a connection that breaks', () => {
  it.for([['before'], ['after']] as const)(
    'under a settlement gives ConnectionFailed soon; asked for again, it is done (%s it was done; A11, edge case 10)',
    async ([moment]) => {
      const { queue: make, open, emulator, look } = here()
      const queue = make(LONG)
      const transport = open(queue)
      await send(transport, wire('one'), wire('two'), wire('three'))
      const [one, two, three] = await takeAll(transport, 3)
      emulator.inject('settle', { drop: moment }, { queue, times: 1 })
      const begun = performance.now()
      expect(await codeOf(Promise.resolve(one?.complete()))).toBe('ConnectionFailed')
      expect(performance.now() - begun).toBeLessThan(3_000)
      await one?.complete()
      await two?.abandon({ delayMs: 0 })
      await three?.deadLetter({ reason: 'r' })
      expect(
        look(queue)
          .messages()
          .map(({ deliveryCount }) => deliveryCount),
      ).toEqual([1])
      expect(look(queue).deadLetters()).toHaveLength(1)
    },
  )

  it('while nobody asks for anything takes no message with it: what was held before is settled as asked, and what comes after', async () => {
    const { queue: make, open, emulator, look } = here()
    const queue = make(LONG)
    const [transport, sender] = [open(queue), open(queue)]
    await send(sender, ...['0', '1', '2', '3'].map((text) => wire(text)))
    const before = await takeAll(transport, 4)
    emulator.dropConnections()
    const more = ['4', '5', '6', '7'].map((text) => wire(text))
    await expect.poll(() => codeOf(send(sender, ...more)), { timeout: 30_000 }).toBe('done')
    // Their numbers on the new link are those that the others had on the old one.
    const after = await takeAll(transport, 4)
    const ends = [...before, ...after].map((delivery, index) =>
      index % 2 === 0 ? delivery.complete() : delivery.abandon({ delayMs: 0 }),
    )
    await Promise.all(ends)
    const left = look(queue).messages()
    expect(left.map(({ body }) => String(Buffer.from(body ?? [])))).toEqual(['1', '3', '5', '7'])
    expect(left.every(({ deliveryCount, state }) => deliveryCount === 1 && state === 'active')).toBe(true)
  })

  it('takes no lock with it that can be renewed (PA9)', async () => {
    const { queue: make, open, emulator } = here()
    const queue = make({ lockDurationMs: 2_000 })
    const transport = open(queue)
    await send(transport, wire('hello'))
    const delivery = await take(transport)
    emulator.dropConnections()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await delivery.renewLock()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await delivery.complete()
  })

  it('takes no lock with it of a message with a session id, on a queue that has no sessions (PA2)', async () => {
    const { queue: make, open, emulator, look } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await send(transport, ...['0', '1', '2'].map((text) => wire(text, { sessionId: 's' })))
    const [first, second, third] = await takeAll(transport, 3)
    emulator.dropConnections()
    await expect.poll(() => codeOf(send(transport, wire('3'))), { timeout: 30_000 }).toBe('done')
    await first?.complete()
    await second?.deadLetter({ reason: 'r' })
    await third?.abandon({ delayMs: 0 })
    expect(
      look(queue)
        .messages()
        .map(({ state, deliveryCount }) => [state, deliveryCount]),
    ).toEqual([
      ['active', 1],
      ['active', 0],
    ])
    expect(look(queue).deadLetters()).toMatchObject([{ applicationProperties: { DeadLetterReason: 'r' } }])
  })
})
