import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveLogger } from '../src/base/logger.ts'
import { QueueError } from '../src/index.ts'
import { createGate, type Gate, type GateState, type Passage } from '../src/resilience/gate.ts'
import { stateOf, type WatchedClock, watchedClock } from './consuming-support.ts'

interface Bench {
  readonly clock: WatchedClock
  readonly gate: Gate
  /** What the gauge was told, in order. */
  readonly states: GateState[]
  readonly lines: { level: string; text: string; side: unknown; error_type: unknown }[]
  /** The broker fails so many calls, one after the other. */
  fail(count: number, direction?: 'send' | 'receive'): void
  succeed(count: number, direction?: 'send' | 'receive'): void
}

const down = new QueueError('ConnectionFailed', 'down')
const keyStoreDown = new QueueError('KeyProviderError', 'down')
const never = new AbortController().signal

const setUp = (): Bench => {
  const clock = watchedClock()
  const states: GateState[] = []
  const lines: Bench['lines'] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, side: fields.side, error_type: fields.error_type })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const gate = createGate({ queue: 'orders', clock, logger, onState: (state) => states.push(state) })
  return {
    ...{ clock, gate, states, lines },
    fail(count, direction = 'receive') {
      for (let made = 0; made < count; made += 1) gate.enter(direction).failed(down)
    },
    succeed(count, direction = 'receive') {
      for (let made = 0; made < count; made += 1) gate.enter(direction).succeeded()
    },
  }
}

/** What `enter` throws; undefined where it lets in. Whoever is let in leaves at once. */
const refusal = (gate: Gate, direction: 'send' | 'receive' = 'receive'): unknown => {
  try {
    gate.enter(direction).left()
    return undefined
  } catch (error) {
    return error
  }
}

const shutFor = (retryAfterMs: number) =>
  expect.objectContaining({ code: 'CircuitOpen', queue: 'orders', retryAfterMs, isTransient: true })

describe('a gate that is closed (R5)', () => {
  it('opens with the fifth failure of the broker in a row, whatever failed: 30 s for sends and receives', () => {
    const { gate, fail, states, lines } = setUp()
    fail(2, 'send')
    fail(2, 'receive')
    expect([gate.state, gate.outage, refusal(gate), states, lines]).toEqual(['closed', undefined, undefined, [], []])
    fail(1, 'send')
    expect([gate.state, gate.outage]).toEqual(['open', down])
    expect([refusal(gate, 'receive'), refusal(gate, 'send')]).toEqual([shutFor(30_000), shutFor(30_000)])
    expect(states).toEqual(['open'])
    expect(lines).toEqual([
      { level: 'error', text: 'Outage: intake pauses', side: 'broker', error_type: 'ConnectionFailed' },
    ])
  })

  it('begins to count anew with each success; who found out nothing counts for nothing', () => {
    const { gate, fail, succeed } = setUp()
    fail(4)
    succeed(1, 'send')
    fail(4)
    gate.enter('receive').left()
    expect(gate.state).toBe('closed')
    fail(1)
    expect(gate.state).toBe('open')
  })

  it('opens at once where messages are held, and lets sends through (R5, design.md)', () => {
    const { gate, states, lines, succeed } = setUp()
    gate.enter('receive').held(keyStoreDown)
    expect([gate.state, refusal(gate, 'receive'), refusal(gate, 'send')]).toEqual(['open', shutFor(30_000), undefined])
    succeed(10, 'send')
    expect([gate.state, states]).toEqual(['open', ['open']])
    expect(lines).toEqual([
      { level: 'error', text: 'Outage: intake pauses', side: 'receiver', error_type: 'KeyProviderError' },
    ])
  })

  it('hears only the first word of a passage', () => {
    const { gate } = setUp()
    const passage = gate.enter('receive')
    passage.succeeded()
    passage.held(keyStoreDown)
    for (let count = 0; count < 9; count += 1) passage.failed(down)
    expect(gate.state).toBe('closed')
  })

  it('does not notice that a message is no longer held', () => {
    const { gate, fail } = setUp()
    fail(4)
    for (let count = 0; count < 5; count += 1) gate.heal()
    fail(1)
    expect(gate.state).toBe('open')
  })
})

describe('a gate that is open (R5)', () => {
  it('tells for how long; after that one receive and one send at a time find out how things are', async () => {
    const { gate, fail, clock, states } = setUp()
    fail(5)
    await clock.advance(12_000)
    expect(refusal(gate)).toEqual(shutFor(18_000))
    await clock.advance(17_999)
    expect([gate.state, refusal(gate)]).toEqual(['open', shutFor(1_000)])
    await clock.advance(1)
    expect(gate.state).toBe('half-open')
    const [receive, send] = [gate.enter('receive'), gate.enter('send')]
    expect([receive.isProbe, send.isProbe]).toEqual([true, true])
    expect([refusal(gate, 'receive'), refusal(gate, 'send')]).toEqual([shutFor(1_000), shutFor(1_000)])
    receive.left()
    expect(gate.enter('receive').isProbe).toBe(true)
    expect(states).toEqual(['open', 'half-open'])
  })

  it('says so to who waits for a turn, but not while a probe could be let in', async () => {
    const { gate, fail, clock } = setUp()
    gate.throwIfOpen('receive')
    fail(5)
    expect(() => gate.throwIfOpen('receive')).toThrow(shutFor(30_000))
    await clock.advance(30_000)
    gate.throwIfOpen('receive')
    gate.enter('receive')
    gate.throwIfOpen('receive')
  })

  it('lets in whoever comes when it said, and never says "at once"', async () => {
    const { gate, fail, clock } = setUp()
    fail(5)
    for (let knocks = 1; ; knocks += 1) {
      const error = refusal(gate) as QueueError | undefined
      if (error === undefined) break
      expect(knocks).toBeLessThan(40)
      expect(error.retryAfterMs).toBeGreaterThanOrEqual(1_000)
      await clock.advance(Math.min(error.retryAfterMs ?? 0, 7_000))
    }
    expect(gate.state).toBe('half-open')
  })

  it('stays open for 30 s from the last failure of what had come in before', async () => {
    const { gate, fail, clock, states } = setUp()
    const late = gate.enter('receive')
    fail(5)
    await clock.advance(20_000)
    late.failed(down)
    expect([refusal(gate), states]).toEqual([shutFor(30_000), ['open']])
  })

  it('is not opened by the success of what had come in before', async () => {
    const { gate, fail, clock } = setUp()
    const late = [gate.enter('receive'), gate.enter('receive'), gate.enter('send')]
    fail(5)
    await clock.advance(1_000)
    for (const passage of late) passage.succeeded()
    expect([gate.state, refusal(gate)]).toEqual(['open', shutFor(29_000)])
  })
})

describe('a gate that is half-open (R5)', () => {
  const halfOpen = async (): Promise<Bench> => {
    const bench = setUp()
    bench.fail(5)
    await bench.clock.advance(30_000)
    return bench
  }

  it('closes with the third success, and says so once', async () => {
    const { gate, succeed, states, lines } = await halfOpen()
    succeed(1, 'send')
    succeed(1, 'receive')
    expect(gate.state).toBe('half-open')
    succeed(1, 'send')
    expect([gate.state, gate.outage, states]).toEqual(['closed', undefined, ['open', 'half-open', 'closed']])
    expect(lines.map(({ level, text }) => [level, text])).toEqual([
      ['error', 'Outage: intake pauses'],
      ['info', 'The outage is over'],
    ])
    const several = [gate.enter('receive'), gate.enter('receive')]
    expect(several.map(({ isProbe }) => isProbe)).toEqual([false, false])
  })

  it('opens again with one failed probe, and begins to count its successes anew', async () => {
    const { gate, succeed, fail, clock, states, lines } = await halfOpen()
    succeed(2)
    fail(1)
    expect([gate.state, refusal(gate, 'send')]).toEqual(['open', shutFor(30_000)])
    await clock.advance(30_000)
    succeed(2)
    expect(gate.state).toBe('half-open')
    succeed(1)
    expect(gate.state).toBe('closed')
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
    // The outage was one.
    expect(lines.map(({ level }) => level)).toEqual(['error', 'info'])
  })

  it('opens again where the probe brought what is held', async () => {
    const { gate } = await halfOpen()
    gate.enter('receive').held(keyStoreDown)
    expect([gate.state, refusal(gate, 'send')]).toEqual(['open', undefined])
  })

  it('hears no probe of an outage before: neither its failure, once it is closed, nor its success, once it is open', async () => {
    const { gate, succeed, clock, fail } = await halfOpen()
    const early = gate.enter('send')
    succeed(3)
    early.failed(down)
    expect(gate.state).toBe('closed')
    fail(4)
    await clock.advance(30_000)
    const late = gate.enter('send')
    gate.enter('receive').failed(down)
    late.succeeded()
    expect([gate.state, refusal(gate)]).toEqual(['open', shutFor(30_000)])
  })

  it('is as it was after a probe that found out nothing', async () => {
    const { gate, succeed } = await halfOpen()
    succeed(2)
    for (let count = 0; count < 5; count += 1) gate.enter('receive').left()
    expect(gate.state).toBe('half-open')
    succeed(1)
    expect(gate.state).toBe('closed')
  })

  it('keeps nothing of ten thousand probes that came and went', async () => {
    const { gate, clock } = await halfOpen()
    for (let count = 0; count < 10_000; count += 1) {
      gate.enter('receive').left()
      gate.enter('send').left()
    }
    expect([gate.state, clock.sleepers]).toEqual(['half-open', 0])
    expect(gate.enter('receive').isProbe).toBe(true)
  })
})

describe('an outage behind the receiver (protocol.md 4.2)', () => {
  it('is over with the third message that is no longer held: that is the probe', () => {
    const { gate, states, lines } = setUp()
    gate.trip(keyStoreDown)
    gate.heal()
    expect([gate.state, states]).toEqual(['half-open', ['open', 'half-open']])
    gate.heal()
    gate.heal()
    expect([gate.state, states]).toEqual(['closed', ['open', 'half-open', 'closed']])
    expect(lines.map(({ level, side }) => [level, side])).toEqual([
      ['error', 'receiver'],
      ['info', 'receiver'],
    ])
  })

  it('pauses intake without an end while somebody tries held messages again: the queue is not probed', async () => {
    const { gate, clock } = setUp()
    const holding = {}
    gate.trip(keyStoreDown, holding)
    await clock.advance(3_600_000)
    expect([gate.state, refusal(gate)]).toEqual(['open', shutFor(1_000)])
    gate.letGo(holding)
    expect(gate.state).toBe('half-open')
  })

  it('may be seen by several; the last of them decides, and 30 s are to pass since it was last seen', async () => {
    const { gate, clock } = setUp()
    const [one, other] = [{}, {}]
    gate.trip(keyStoreDown, one)
    await clock.advance(20_000)
    gate.trip(keyStoreDown, other)
    gate.letGo(one)
    gate.letGo(one)
    await clock.advance(20_000)
    gate.letGo(other)
    expect(refusal(gate)).toEqual(shutFor(10_000))
    await clock.advance(10_000)
    expect(gate.state).toBe('half-open')
  })

  it('opens a closed gate no more once who saw it has let go', async () => {
    const { gate, clock, fail } = setUp()
    const holding = {}
    gate.trip(keyStoreDown, holding)
    for (let count = 0; count < 3; count += 1) gate.heal()
    gate.letGo(holding)
    fail(5)
    await clock.advance(30_000)
    expect(gate.state).toBe('half-open')
  })

  it('becomes one of the broker with five failed sends in a row, and is written down as such', () => {
    const { gate, fail, succeed, lines } = setUp()
    gate.trip(keyStoreDown, {})
    fail(4, 'send')
    succeed(1, 'send')
    fail(4, 'send')
    expect(refusal(gate, 'send')).toBeUndefined()
    fail(1, 'send')
    expect(refusal(gate, 'send')).toEqual(shutFor(30_000))
    expect(lines.map(({ text, side }) => [text, side])).toEqual([
      ['Outage: intake pauses', 'receiver'],
      ['Outage: intake pauses', 'broker'],
    ])
  })

  it('beside one of the broker lets no send out, and ends with it', async () => {
    const { gate, fail, clock, lines } = setUp()
    fail(5)
    gate.trip(keyStoreDown, {})
    for (let count = 0; count < 3; count += 1) gate.heal()
    expect([gate.state, gate.outage, refusal(gate, 'send')]).toEqual(['open', down, shutFor(30_000)])
    await clock.advance(30_000)
    expect([gate.state, lines.length]).toEqual(['half-open', 1])
  })

  it('does not last longer for a clock that is set back', async () => {
    const clock = watchedClock()
    let backMs = 0
    const shifted = { now: () => clock.now() - backMs, sleep: clock.sleep }
    const gate = createGate({ queue: 'orders', clock: shifted, logger: resolveLogger(false), onState: () => {} })
    gate.trip(keyStoreDown)
    await clock.advance(20_000)
    backMs = 3_600_000
    expect(refusal(gate)).toEqual(shutFor(30_000))
    await clock.advance(30_000)
    expect(gate.state).toBe('half-open')
  })

  it('is told again and again and written down once', async () => {
    const { gate, clock, lines, states } = setUp()
    for (let count = 0; count < 100; count += 1) {
      gate.trip(keyStoreDown)
      await clock.advance(10_000)
    }
    expect([lines.length, states]).toEqual([1, ['open']])
  })
})

describe('waiting at the gate', () => {
  it('ends at once where it is not shut', async () => {
    const { gate, clock, fail } = setUp()
    await gate.wait(60_000, never)
    fail(5)
    await clock.advance(30_000)
    await gate.wait(60_000, never)
    expect(clock.sleepers).toBe(0)
  })

  it('ends with the 30 s, or after the time that the caller has', async () => {
    const { gate, clock, fail } = setUp()
    fail(5)
    const [patient, hurried] = [gate.wait(60_000, never), gate.wait(10_000, never)]
    await clock.advance(9_999)
    expect(await stateOf(hurried)).toBe('pending')
    await clock.advance(1)
    expect([await stateOf(hurried), await stateOf(patient)]).toEqual(['resolved', 'pending'])
    await clock.advance(20_000)
    expect([await stateOf(patient), clock.sleepers]).toEqual(['resolved', 0])
  })

  it('lasts as long as somebody tries held messages again, and does not look in between', async () => {
    const { gate, clock } = setUp()
    const holding = {}
    gate.trip(keyStoreDown, holding)
    await clock.advance(60_000)
    const waiting = gate.wait(100_000, never)
    await clock.advance(99_999)
    expect([await stateOf(waiting), clock.sleepers]).toEqual(['pending', 1])
    await clock.advance(1)
    expect(await stateOf(waiting)).toBe('resolved')
    const woken = gate.wait(100_000, never)
    gate.letGo(holding)
    expect([await stateOf(woken), gate.state]).toEqual(['resolved', 'half-open'])
  })

  it.each<[string, (gate: Gate, probe: Passage) => void]>([
    ['is through', (_, probe) => probe.succeeded()],
    ['found out nothing', (_, probe) => probe.left()],
    ['fails: then for the next 30 s', (_, probe) => probe.failed(down)],
  ])('lasts until the probe of another %s', async (_, end) => {
    const { gate, clock, fail } = setUp()
    fail(5)
    await clock.advance(30_000)
    const probe = gate.enter('receive')
    const waiting = gate.wait(60_000, never)
    await clock.advance(20_000)
    expect(await stateOf(waiting)).toBe('pending')
    end(gate, probe)
    expect([await stateOf(waiting), clock.sleepers]).toEqual(['resolved', 0])
  })

  it('ends for all when the gate closes', async () => {
    const { gate, clock } = setUp()
    gate.trip(keyStoreDown, {})
    const waiting = Promise.all(Array.from({ length: 100 }, () => gate.wait(60_000, never)))
    gate.heal()
    expect([await stateOf(waiting), clock.sleepers]).toEqual(['resolved', 0])
  })

  it('rejects with the reason of an abort, before or while it lasts (C6)', async () => {
    const { gate, clock, fail } = setUp()
    fail(5)
    const reason = new Error('enough')
    const stop = new AbortController()
    const waiting = gate.wait(60_000, stop.signal)
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(gate.wait(60_000, stop.signal)).rejects.toBe(reason)
    await clock.advance(0)
    expect([clock.sleepers, getEventListeners(stop.signal, 'abort').length]).toEqual([0, 0])
  })

  it('leaves no timer and no listener, ten thousand times (C6)', async () => {
    const { gate, clock, fail } = setUp()
    fail(5)
    const { signal } = new AbortController()
    for (let round = 0; round < 100; round += 1) {
      const waits = Array.from({ length: 100 }, (_, index) => gate.wait(index, signal))
      await clock.advance(100)
      await Promise.all(waits)
    }
    expect([clock.sleepers, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
  })
})

describe('whatever happens to a gate', () => {
  type Step =
    | { do: 'enter'; direction: 'send' | 'receive' }
    | { do: 'end'; as: keyof Omit<Passage, 'isProbe'>; which: number }
    | { do: 'trip'; watcher: number | undefined }
    | { do: 'letGo'; watcher: number }
    | { do: 'heal' }
    | { do: 'pass'; ms: number }

  const watchers = [{}, {}, {}]
  const index = fc.nat(2)
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant('enter' as const), direction: fc.constantFrom('send' as const, 'receive' as const) }),
    fc.record({
      do: fc.constant('end' as const),
      as: fc.constantFrom('succeeded' as const, 'failed' as const, 'held' as const, 'left' as const),
      which: fc.nat(5),
    }),
    fc.record({ do: fc.constant('trip' as const), watcher: fc.option(index, { nil: undefined }) }),
    fc.record({ do: fc.constant('letGo' as const), watcher: index }),
    fc.record({ do: fc.constant('heal' as const) }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 999, 10_000, 30_000, 60_000) }),
  )

  it('gauge and log tell each change once, probes are alone, and it closes when the outage is over (R5)', async () => {
    const run = async (steps: readonly Step[]): Promise<void> => {
      const { gate, clock, states, lines } = setUp()
      const inside: { passage: Passage; direction: string }[] = []
      const act: { [K in Step['do']]: (one: Extract<Step, { do: K }>) => unknown } = {
        enter({ direction }) {
          try {
            const passage = gate.enter(direction)
            const others = inside.filter((one) => one.passage.isProbe && one.direction === direction)
            if (passage.isProbe) expect(others).toEqual([])
            inside.push({ passage, direction })
          } catch (error) {
            expect(error).toMatchObject({ code: 'CircuitOpen' })
            const { retryAfterMs = 0 } = error as QueueError
            expect([gate.state === 'closed', retryAfterMs >= 1_000, retryAfterMs <= 30_000]).toEqual([
              false,
              true,
              true,
            ])
          }
        },
        end: ({ as, which }) => inside.splice(which, 1)[0]?.passage[as](as === 'held' ? keyStoreDown : down),
        trip: ({ watcher }) => gate.trip(keyStoreDown, watcher === undefined ? undefined : watchers[watcher]),
        letGo: ({ watcher }) => gate.letGo(watchers[watcher] as object),
        heal: () => gate.heal(),
        pass: ({ ms }) => clock.advance(ms),
      }
      for (const one of steps) {
        await act[one.do](one as never)
        expect(gate.state === 'closed').toBe(gate.outage === undefined)
        expect(states.at(-1) ?? 'closed').toBe(gate.state)
      }
      const repeated = states.filter((state, at) => state === (states[at - 1] ?? 'closed'))
      const outages = states.filter((state, at) => state === 'open' && (states[at - 1] ?? 'closed') === 'closed')
      const worsened = lines.filter(({ level }) => level === 'error').length - outages.length
      expect(repeated).toEqual([])
      expect(lines.filter(({ level }) => level === 'info')).toHaveLength(
        states.filter((state) => state === 'closed').length,
      )
      expect(worsened).toBeGreaterThanOrEqual(0)

      for (const { passage } of inside) passage.left()
      watchers.forEach(gate.letGo)
      await clock.advance(30_000)
      for (let probes = 0; probes < 3; probes += 1) gate.enter('receive').succeeded()
      expect([gate.state, clock.sleepers]).toEqual(['closed', 0])
    }
    const steps = fc.array(step, { maxLength: 40 })
    await fc.assert(fc.asyncProperty(steps, run), { seed: 20_260_101, numRuns: 60 })
  })
})
