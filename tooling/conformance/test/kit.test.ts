import type { QueueTransport } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it } from 'vitest'
import {
  type Case,
  clientKit,
  injectedTime,
  type Kit,
  keyKit,
  nonceKit,
  plainClients,
  plan,
  providerKit,
  realTime,
  runCase,
  type Subject,
} from '../src/index.ts'
import { isPending, soon, until } from '../src/kit/time.ts'
import { memory } from './memory-provider.ts'

interface Lamp {
  readonly isBright: boolean
  readonly color: string | undefined
  close(): Promise<void>
}
type LampFeature = 'color' | 'remote'
type LampMutant = 'stays dark'
type LampCase = Case<Lamp, LampMutant, LampFeature>
type LampSubject = Subject<Lamp, LampFeature>

const shines: LampCase = {
  name: 'it shines',
  requirement: 'L1',
  catches: ['stays dark'],
  async run({ isBright }) {
    if (!isBright) throw new Error('It is dark.')
  },
}
const colored: LampCase = { ...shines, name: 'it has a color', needs: ['color'] }
const controlled: LampCase = { ...shines, name: 'it can be switched from afar, in color', needs: ['color', 'remote'] }

/** What the kit did, in order. */
const setUp = () => {
  const told: string[] = []
  const kit: Kit<Lamp, Lamp, LampMutant, LampFeature> = {
    name: 'Lamp',
    cases: [shines, colored, controlled],
    features: { color: ({ color }) => color !== undefined, remote: null },
    mutants: { 'stays dark': (lamp) => ({ ...lamp, isBright: false }) },
    bench: (lamp) => ({
      ...lamp,
      close: async () => {
        told.push('bench closed')
      },
    }),
  }
  const subject = (changes: Partial<LampSubject> = {}): LampSubject => ({
    name: 'a bulb',
    features: { color: 'it is white', remote: 'it has a cord' },
    setUp() {
      told.push('set up')
      return {
        isBright: true,
        color: undefined,
        close: async () => {
          told.push('setup closed')
        },
      }
    },
    ...changes,
  })
  return { told, kit, subject }
}

describe('a plan', () => {
  it('runs what the subject has, and skips the rest with the reasons of all that it lacks', () => {
    const { kit, subject } = setUp()
    const skips = plan(kit, subject()).map(({ name, requirement, skip }) => [name, requirement, skip])
    expect(skips).toEqual([
      ['it shines', 'L1', undefined],
      ['it has a color', 'L1', 'no color: it is white'],
      ['it can be switched from afar, in color', 'L1', 'no color: it is white; no remote: it has a cord'],
      ['it has no color, as it says', 'features', undefined],
    ])
  })

  it('skips a case that is named, for the reason that is given', () => {
    const { kit, subject } = setUp()
    const [first] = plan(kit, subject({ skips: { 'it shines': 'it is sold without a bulb' } }))
    expect(first?.skip).toBe('it is sold without a bulb')
  })

  it('may name a case that it cannot run anyway: then the reason is what it lacks', () => {
    const { kit, subject } = setUp()
    const [, , third] = plan(
      kit,
      subject({ features: { color: true, remote: 'it has a cord' }, skips: { [controlled.name]: 'it takes long' } }),
    )
    expect(third?.skip).toBe('no remote: it has a cord')
  })

  it.each<[string, Partial<LampSubject>, string]>([
    [
      'a feature that nobody answers for',
      { features: { color: true } as never },
      'features.remote: true, or the reason',
    ],
    [
      'a feature that is lacking without a reason',
      { features: { color: ' ', remote: true } },
      'features.color: true, or',
    ],
    ['a feature that is just false', { features: { color: false, remote: true } as never }, 'features.color: true, or'],
    [
      'a feature that there is not',
      { features: { color: true, remote: true, smell: 'none' } as never },
      'features.smell: there is no such feature',
    ],
    ['a skip without a reason', { skips: { 'it shines': '' } }, "skips: 'it shines' is skipped without a reason"],
    ['a skip of a case that there is not', { skips: { 'it shone': 'x' } }, "skips: there is no case 'it shone'"],
    [
      'a skip of a case whose needs the subject says it has',
      { features: { color: true, remote: 'x' }, skips: { 'it has a color': 'it takes long' } },
      "skips: 'it has a color' needs color, which the subject says it has",
    ],
  ])('refuses %s', (_, changes, mistake) => {
    const { kit, subject } = setUp()
    expect(() => plan(kit, subject(changes))).toThrow(`Lamp, a bulb:\n${mistake}`)
  })

  it('lists all mistakes at once', () => {
    const { kit, subject } = setUp()
    const mistaken = subject({ features: { color: '' } as never, skips: { 'it shone': '' } })
    expect(() => plan(kit, mistaken)).toThrow(
      /features\.color.*\n.*features\.remote.*\n.*no case.*\n.*without a reason/,
    )
  })

  it('looks whether what is skipped as lacking is there, and whether what is claimed is', async () => {
    const { kit, subject } = setUp()
    const lookOf = (changes: Partial<LampSubject>): Promise<void> | undefined =>
      plan(kit, subject(changes)).at(-1)?.run()
    await expect(lookOf({})).resolves.toBeUndefined()
    const claimed = { features: { color: true, remote: 'x' } } as const
    await expect(lookOf(claimed)).rejects.toThrow('a bulb has no color, against what it says')
    const red = { setUp: () => ({ isBright: true, color: 'red', close: async () => {} }) }
    await expect(lookOf(red)).rejects.toThrow('a bulb has color, against what it says')
    await expect(lookOf({ ...claimed, ...red })).resolves.toBeUndefined()
  })
})

describe('a case', () => {
  it('has a setup and a bench of its own, which are cleared away after it, also where it fails', async () => {
    const { told, kit, subject } = setUp()
    const [first] = plan(kit, subject())
    await first?.run()
    await first?.run()
    const once = ['set up', 'bench closed', 'setup closed']
    expect(told).toEqual([...once, ...once])
    await expect(runCase(kit, subject(), shines, 'stays dark')).rejects.toThrow('It is dark.')
    expect(told).toEqual([...once, ...once, ...once])
  })
})

describe.each([
  ['providers', providerKit],
  ['clients', clientKit],
  ['key providers', keyKit],
  ['nonce stores', nonceKit],
] as const)('the kit for %s', (_, { cases, features, mutants }) => {
  it('has cases of different names, each with a requirement and a fault that it knows', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    for (const { requirement, catches, needs = [] } of cases) {
      expect(requirement).not.toBe('')
      expect(catches.filter((mutant) => !Object.hasOwn(mutants, mutant))).toEqual([])
      expect(needs.filter((need) => !Object.hasOwn(features, need))).toEqual([])
    }
  })

  it('has no feature that no case needs', () => {
    const needed = new Set<string>(cases.flatMap(({ needs = [] }) => needs))
    expect(Object.keys(features).filter((feature) => !needed.has(feature))).toEqual([])
  })
})

describe('the bench of a client', () => {
  it('fails a case in which a receiver is asked for more while it is being asked', async () => {
    const pull = { maxMessages: 1, waitMs: 10, signal: new AbortController().signal }
    const asking = (times: number): Promise<void> =>
      runCase(clientKit, plainClients(memory), {
        async run({ client, time }) {
          const asked: Promise<unknown>[] = []
          const through = (transport: QueueTransport): QueueTransport => {
            for (let count = 0; count < times; count += 1) asked.push(transport.receive(pull))
            return transport
          }
          client({ through })
          await time.advance(20)
          await Promise.all(asked)
        },
      })
    await expect(asking(1)).resolves.toBeUndefined()
    await expect(asking(2)).rejects.toThrow('a receiver was asked for messages while it was being asked')
  })
})

describe('time', () => {
  const never = new Promise<never>(() => {})

  it('that is injected moves the clock of the subject and nothing else', async () => {
    const clock = fakeClock(1_000)
    const time = injectedTime(clock)
    await time.advance(60_000)
    expect([time.clock.now(), time.lookMs]).toEqual([61_000, 0])
  })

  it('that is real passes', async () => {
    const time = realTime(10)
    const before = time.clock.now()
    await time.advance(30)
    expect(time.clock.now() - before).toBeGreaterThanOrEqual(29)
  })

  it('is given to what happens by itself, and to no more', async () => {
    const time = { ...injectedTime(fakeClock()), patienceMs: 20 }
    await expect(soon(time, 'a call', Promise.resolve('done'))).resolves.toBe('done')
    await expect(soon(time, 'a call', Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    await expect(soon(time, 'a call', never)).rejects.toThrow('a call should have happened by itself')
    expect(await isPending(time, never)).toBe(true)
    expect(await isPending(time, new Promise((resolve) => setImmediate(resolve)))).toBe(false)
    expect(await isPending(time, Promise.reject(new Error('failed')))).toBe(false)
    let turn = 0
    await until(time, 'the third turn', () => {
      turn += 1
      return turn > 2
    })
    await expect(until(time, 'the end', () => false)).rejects.toThrow('the end did not happen')
  })
})
