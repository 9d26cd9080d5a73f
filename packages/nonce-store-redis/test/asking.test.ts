import { describe, expect, it } from 'vitest'
import { createAsking } from '../src/asking.ts'
import type { Link, Round } from '../src/link.ts'
import { type Ask, asksWith } from '../src/script.ts'
import { createServerClock } from '../src/server-clock.ts'
import { createTimeLimit } from '../src/time-limit.ts'
import { claimOf, identity, LONG, timed, unavailable } from './support.ts'

const { claim, settle } = asksWith('qr')
const TIMEOUT_MS = 200

const asksFor = (count: number) => Array.from({ length: count }, () => claim(claimOf(identity())))

const error = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })

/** A server whose clock is so much ahead of that of this process, and what it was sent. */
const serverAt = (ahead: { ms: number }, answer: (ask: Ask, by: Round['by']) => string | Error = () => 'granted') => {
  const rounds: (Round & { readonly asks: readonly Ask[] })[] = []
  const link: Link = async (asks, round) => {
    rounds.push({ ...round, asks })
    const now = Math.floor(performance.now() + ahead.ms)
    return asks.map((ask) => {
      const answered = now > round.deadline ? 'late' : answer(ask, round.by)
      return typeof answered === 'string' ? `${answered} ${now}` : { thrown: answered }
    })
  }
  return {
    rounds,
    ask: createAsking(
      link,
      TIMEOUT_MS,
      createTimeLimit(TIMEOUT_MS, () => undefined),
    ),
  }
}

describe('a batch of calls', () => {
  it('takes one round trip, but for the very first, which learns the time (NR1, PF5)', async () => {
    const { ask, rounds } = serverAt({ ms: 1e12 })
    expect(await ask(asksFor(3))).toEqual(['granted', 'granted', 'granted'])
    expect(rounds).toHaveLength(2)
    await ask(asksFor(100))
    expect(rounds.map(({ asks }) => asks.length)).toEqual([3, 3, 100])
  })

  it('is made again where the clock of the server was set, or is that of another server (NR3)', async () => {
    const ahead = { ms: 1e12 }
    const { ask, rounds } = serverAt(ahead)
    await ask(asksFor(1))
    for (const ms of [1e12 + 3_600_000, 1e12 - 3_600_000, 1e12]) {
      ahead.ms = ms
      expect(await ask(asksFor(2))).toEqual(['granted', 'granted'])
    }
    // Two more round trips: where the clock went forward.
    expect(rounds).toHaveLength(2 + 3 + 2)
  })

  it('carries the end of its time, never a later moment (NR3)', async () => {
    const { ask, rounds } = serverAt({ ms: 1e12 })
    await ask(asksFor(1))
    const startedAt = performance.now()
    await ask(asksFor(2))
    const { deadline = 0, leftMs } = rounds.at(-1) ?? {}
    expect(deadline - 1e12 - startedAt).toBeLessThan(TIMEOUT_MS + 1)
    expect(deadline - 1e12 - startedAt).toBeGreaterThan(TIMEOUT_MS / 2)
    expect(leftMs).toBeLessThanOrEqual(TIMEOUT_MS)
  })

  it('sends the script to a server that lacks it, for those calls alone that were not carried out (NR1)', async () => {
    let lacks = new Set<string>()
    const { ask, rounds } = serverAt({ ms: 0 }, ({ key }, by) =>
      lacks.has(key) && by === 'evalsha' ? error('NOSCRIPT No matching script. Please use EVAL.') : 'granted',
    )
    await ask(asksFor(1))
    const asks = asksFor(5)
    lacks = new Set([asks[1]?.key ?? '', asks[3]?.key ?? ''])
    expect(await ask(asks)).toEqual(['granted', 'granted', 'granted', 'granted', 'granted'])
    const [all, again] = rounds.slice(-2)
    expect([all?.by, all?.asks]).toEqual(['evalsha', asks])
    expect([again?.by, again?.asks]).toEqual(['eval', [asks[1], asks[3]]])
    await ask(asks)
    expect(rounds.at(-2)?.by).toBe('evalsha')
  })

  it('fails as a whole where one call of it does, and says nothing of what Redis said', async () => {
    const { ask } = serverAt({ ms: 0 }, () => error('ERR secret-key hunter2'))
    const failure = await ask([...asksFor(2), settle('release', identity(), LONG.retainMs)]).catch(String)
    expect(failure).toBe('QueueError: Redis failed.')
  })

  it('fails where the reply is none of the script', async () => {
    for (const reply of ['granted', 'granted x', '', ' 5', 'granted -5']) {
      const ask = createAsking(
        async () => [reply],
        TIMEOUT_MS,
        createTimeLimit(TIMEOUT_MS, () => undefined),
      )
      await expect(ask(asksFor(1)), reply).rejects.toEqual(unavailable(/^Redis failed/))
    }
    const silent = createAsking(
      async () => [],
      TIMEOUT_MS,
      createTimeLimit(TIMEOUT_MS, () => undefined),
    )
    await expect(silent(asksFor(1))).rejects.toEqual(unavailable(/^Redis failed/))
  })

  it('is given up after a few rounds, and when its time is over, with what stands in the way (NR3)', async () => {
    const { ask, rounds } = serverAt({ ms: 0 }, () => error('NOSCRIPT'))
    await expect(ask(asksFor(1))).rejects.toEqual(unavailable(/did not answer within 200 ms/))
    expect(rounds.length).toBeLessThan(6)
    const never: Link = () => new Promise(() => {})
    const trouble = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })
    const stuck = createAsking(
      never,
      TIMEOUT_MS,
      createTimeLimit(TIMEOUT_MS, () => trouble),
    )
    const took = await timed(() =>
      expect(stuck(asksFor(1))).rejects.toEqual(unavailable(/^Redis did not answer within 200 ms. Redis cannot be/)),
    )
    expect(took).toBeGreaterThanOrEqual(TIMEOUT_MS - 1)
  })

  it('is answered where this process was busy when the answer came', async () => {
    let answer = (): void => {}
    const link: Link = () =>
      new Promise((resolve) => {
        answer = () => resolve(['granted 1'])
      })
    const ask = createAsking(
      link,
      TIMEOUT_MS,
      createTimeLimit(TIMEOUT_MS, () => undefined),
    )
    const answers = ask(asksFor(1))
    await Promise.resolve()
    // As from a socket: it is read after the timers that are due.
    setTimeout(() => setImmediate(answer), 0)
    const busyUntil = performance.now() + TIMEOUT_MS + 50
    while (performance.now() < busyUntil);
    expect(await answers).toEqual(['granted'])
  })
})

describe('the clock of a server', () => {
  it('shows nothing before the first answer, and never more than the server does', () => {
    const clock = createServerClock()
    expect(clock.at(5_000)).toBe(0)
    // The server showed it some time before the answer was here.
    clock.learn(1_000_000, 400)
    expect(clock.at(400)).toBe(1_000_000)
    expect(clock.at(500.7)).toBe(1_000_100)
  })

  it('follows it backwards and forwards', () => {
    const clock = createServerClock()
    for (const serverNow of [1_000_000, 2_000_000, 500_000]) {
      clock.learn(serverNow, 100)
      expect(clock.at(200)).toBe(serverNow + 100)
    }
  })
})
