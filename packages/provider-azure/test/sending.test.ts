import type { ServiceBusSender } from '@azure/service-bus'
import { describe, expect, it } from 'vitest'
import { toMessage } from '../src/outgoing.ts'
import { type Lot, pack } from '../src/packing.ts'
import { createSlots } from '../src/slots.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { codeOf, local, never, pause, send, takeAll, textOf, wire } from './support.ts'

const here = local()

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** How messages are packed for a queue: the bodies of each lot. */
const packed = async (
  messages: readonly Parameters<typeof wire>[],
  maxMessageBytes?: number,
): Promise<{ lots: Lot<{ outgoing: ReturnType<typeof toMessage> }>[]; bodies: string[][] }> => {
  const { tool, queue: make } = here()
  const queue = make({ maxMessageBytes })
  const sender: ServiceBusSender = tool.createSender(queue)
  const items = messages.map((message) => ({ outgoing: toMessage(wire(...message)) }))
  const refuse = (_: unknown, size: number, maxSize: number): Error => new Error(`${size} of ${maxSize}`)
  const lots = await pack(sender, items, refuse, { abortSignal: never })
  await sender.close()
  return { lots, bodies: lots.map((lot) => lot.items.map(({ outgoing }) => String(outgoing.body))) }
}

describe('messages go to Service Bus', () => {
  it('by a hundred (PA4)', async () => {
    const { lots } = await packed(numbers(250).map((index) => [String(index)]))
    expect(lots.map(({ items }) => items.length)).toEqual([100, 100, 50])
  })

  it('by what the link takes, in their order (PA4, C2)', async () => {
    const { bodies } = await packed(
      numbers(7).map((index) => [String(index).repeat(30_000)]),
      100_000,
    )
    expect(bodies.map((lot) => lot.map(([first]) => first).join(''))).toEqual(['012', '345', '6'])
  })

  it('apart by session and by time, since a batch has the properties of its first (PA2, PA4)', async () => {
    const later = new Date(Date.now() + 60_000)
    const { bodies } = await packed([
      ['a1', { sessionId: 'a' }],
      ['b1', { sessionId: 'b' }],
      ['a2', { sessionId: 'a' }],
      ['plain'],
      ['later', { deliverAt: later }],
      ['b2', { sessionId: 'b' }],
    ])
    expect(bodies).toEqual([['a1', 'a2'], ['b1', 'b2'], ['plain'], ['later']])
  })

  it('alone where they are too large for a batch, and what follows stays behind (PA4)', async () => {
    const large = 'x'.repeat(1_048_577)
    const { lots, bodies } = await packed([['first'], [large], ['last']], 2_000_000)
    expect(bodies.map((lot) => lot.map(({ length }) => length))).toEqual([[5], [large.length], [4]])
    expect(lots.map(({ content }) => 'tryAddMessage' in content)).toEqual([true, false, true])
  })
})

describe('a message of too many bytes', () => {
  it.for([
    ['small fields', 262_144, {}],
    ['a small link', 1_000, {}],
    ['large fields', 262_144, { attributes: { a: 'x'.repeat(30_000) }, correlationId: 'c' }],
    ['large messages allowed', 1_500_000, {}],
  ] as const)('is refused with its exact size: %s (PA4, M11)', async ([, maxMessageBytes, fields], { expect }) => {
    const { open, queue: make, look } = here()
    const queue = make({ maxMessageBytes })
    const transport = open(queue)
    const messageId = 'm-1'
    const sizeOf = async (length: number): Promise<number | undefined> => {
      const outcome = transport.send([wire('small'), wire(new Uint8Array(length), { messageId, ...fields })], {
        signal: never,
      })
      const error = await outcome.then(
        () => undefined,
        (thrown) => thrown,
      )
      if (error === undefined) return undefined
      expect(error).toMatchObject({ code: 'MessageTooLarge', facts: { maxSize: maxMessageBytes }, messageId })
      return error.facts.size
    }
    const size = (await sizeOf(maxMessageBytes)) ?? 0
    expect(look(queue).messages()).toEqual([])
    const fitting = maxMessageBytes - (size - maxMessageBytes)
    expect(await sizeOf(fitting + 1)).toBe(maxMessageBytes + 1)
    expect(await sizeOf(fitting)).toBeUndefined()
    expect(look(queue).messages()).toHaveLength(2)
  })

  it('is refused where its fields alone are too large for the link (PA4)', async () => {
    const { open, queue: make } = here()
    const transport = open(make({ maxMessageBytes: 1_000 }))
    const sending = send(transport, wire('a', { attributes: { a: 'x'.repeat(2_000) } }))
    await expect(sending).rejects.toMatchObject({ code: 'MessageTooLarge', facts: { maxSize: 1_000 } })
  })
})

describe('what became of each message', () => {
  it('is told, where some batches failed and others did not (C3)', async () => {
    const { emulator, open, queue: make, look } = here()
    const queue = make()
    const transport = open(queue)
    await send(transport, wire('opens the link'))
    let transfers = 0
    emulator.inject(
      'send',
      () => {
        transfers += 1
        return transfers === 2 ? { error: 'com.microsoft:server-busy' } : undefined
      },
      { queue },
    )
    const outcomes = await transport.send(
      numbers(300).map((index) => wire(String(index))),
      { signal: never },
    )
    const codes = outcomes.map(({ error }) => error?.code)
    expect(codes.slice(0, 100).every((code) => code === undefined)).toBe(true)
    expect(codes.slice(100, 200).every((code) => code === 'Throttled')).toBe(true)
    expect(codes.slice(200).every((code) => code === undefined)).toBe(true)
    expect(look(queue).messages()).toHaveLength(201)
  })

  it('is the same for all of a session behind the one that failed, of which none is sent (C2, C15)', async () => {
    const { emulator, open, queue: make, look } = here()
    const queue = make({ requiresSession: true })
    const transport = open(queue)
    let ofOdd = 0
    emulator.inject(
      'send',
      () => {
        ofOdd += 1
        // The first batch of each session goes out first, one after the other.
        return ofOdd === 2 ? { error: 'com.microsoft:server-busy' } : undefined
      },
      { queue },
    )
    const messages = numbers(600).map((index) => wire(String(index), { sessionId: index % 2 === 0 ? 'even' : 'odd' }))
    const outcomes = await transport.send(messages, { signal: never })
    const failed = messages.filter((_, index) => outcomes[index]?.error).map(({ sessionId }) => sessionId)
    expect(failed).toEqual(Array(300).fill('odd'))
    expect(
      look(queue)
        .messages()
        .map(({ sessionId }) => sessionId),
    ).toEqual(Array(300).fill('even'))
  })

  it('is thrown where it is the same for all: it is about the queue', async () => {
    const { emulator, open, queue: make } = here()
    const queue = make()
    emulator.inject('send', { error: 'com.microsoft:server-busy' }, { queue })
    await expect(open(queue).send([wire('a'), wire('b')], { signal: never })).rejects.toMatchObject({
      code: 'Throttled',
      operation: 'send',
      queue,
    })
  })

  it('is nothing for no message', async () => {
    const { open, queue: make } = here()
    expect(await open(make()).send([], { signal: never })).toEqual([])
  })
})

describe('many sends at once', () => {
  it('lose nothing, however many there are: the SDK alone fails from 2 048 on (C20, edge case 19)', {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { emulator, open, queue: make, look } = here()
    const queue = make()
    const transport = open(queue)
    // Longer than the SDK waits until there is room.
    emulator.inject('send', { delayMs: 1_500 }, { queue })
    for (const round of numbers(scaled(1))) {
      const ids = numbers(3_000).map((index) => `m-${round}-${index}`)
      await Promise.all(ids.map((messageId) => send(transport, wire(messageId, { messageId }))))
      const stored = look(queue)
        .messages()
        .map(({ messageId }) => messageId)
      expect(stored.slice(-3_000).toSorted()).toEqual(ids.toSorted())
      expect(stored).toHaveLength(3_000 * (round + 1))
    }
  })

  it('are 10 000 in a burst, and none is lost (edge case 19)', { timeout: SCALED_TIMEOUT_MS }, async () => {
    const { client, queue: make, look } = here()
    const queue = make()
    const one = client(queue)
    await Promise.all(numbers(10_000).map((index) => one.send({ body: 'a', messageId: `m-${index}` })))
    expect(
      new Set(
        look(queue)
          .messages()
          .map(({ messageId }) => messageId),
      ).size,
    ).toBe(10_000)
  })

  it('share one connection and one link (PA3, A19)', async () => {
    const { emulator, provider, queue: make } = here()
    const connections = (): number => here().emulator.connections
    const before = connections()
    let links = 0
    const queues = [make(), make()]
    emulator.inject('attach', () => {
      links += 1
      return undefined
    })
    const shared = provider()
    const transports = [...queues, ...queues].map((queue) => shared.open(queue))
    await Promise.all(transports.map((transport) => send(transport, ...numbers(5).map((index) => wire(`${index}`)))))
    expect(connections()).toBe(before + 1)
    expect(links).toBe(2)
    await Promise.all(transports.map((transport) => transport.close()))
    while (connections() > before) await pause(10)
  })

  it('come in the order of each call (C2)', async () => {
    const { open, queue: make } = here()
    const transport = open(make())
    await Promise.all(
      ['a', 'b', 'c'].map((name) => send(transport, ...numbers(250).map((index) => wire(`${name}${index}`)))),
    )
    const texts = (await takeAll(transport, 750)).map(textOf)
    for (const name of ['a', 'b', 'c']) {
      expect(texts.filter((text) => text.startsWith(name))).toEqual(numbers(250).map((index) => `${name}${index}`))
    }
  })
})

describe('an abort', () => {
  it('ends a send at once, and the link is as good as before (C6)', async () => {
    const { emulator, open, queue: make } = here()
    const queue = make()
    const transport = open(queue)
    await send(transport, wire('a'))
    emulator.inject('send', { stall: 'before' }, { queue, times: 1 })
    const reason = new Error('enough')
    const stop = new AbortController()
    const sending = transport.send([wire('b')], { signal: stop.signal })
    await pause(50)
    const begunAt = performance.now()
    stop.abort(reason)
    await expect(sending).rejects.toBe(reason)
    expect(performance.now() - begunAt).toBeLessThan(50)
    expect(await codeOf(send(transport, wire('c')))).toBe('done')
  })

  it('before a send keeps it from being sent (C6)', async () => {
    const { open, queue: make, look } = here()
    const queue = make()
    const reason = new Error('enough')
    await expect(open(queue).send([wire('a')], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(look(queue).messages()).toEqual([])
  })
})

it('a server that does not answer is given up within 10 s, with Timeout (requirements 0)', {
  timeout: 30_000,
}, async () => {
  const { emulator, open, queue: make } = here()
  const queue = make()
  const transport = open(queue)
  await send(transport, wire('a'))
  emulator.inject('send', { stall: 'before' }, { queue })
  const begunAt = performance.now()
  expect(await codeOf(send(transport, wire('b')))).toBe('Timeout')
  expect(performance.now() - begunAt).toBeLessThan(11_000)
})

describe('slots', () => {
  it('let so many work at once, in order, and an abort gives its place to the next (C6)', async () => {
    const slots = createSlots(2)
    const gates = numbers(5).map(() => Promise.withResolvers<void>())
    const stops = numbers(5).map(() => new AbortController())
    const started: number[] = []
    const runs = gates.map((gate, index) =>
      slots.run(stops[index]?.signal ?? never, () => {
        started.push(index)
        return gate.promise
      }),
    )
    await pause(0)
    expect(started).toEqual([0, 1])
    stops[2]?.abort(new Error('enough'))
    await expect(runs[2]).rejects.toThrow('enough')
    gates[0]?.reject(new Error('failed'))
    await expect(runs[0]).rejects.toThrow('failed')
    await pause(0)
    expect(started).toEqual([0, 1, 3])
    for (const gate of gates) gate.resolve()
    await Promise.all([runs[1], runs[3], runs[4]])
    expect(started).toEqual([0, 1, 3, 4])
    await slots.run(never, async () => {})
  })
})
