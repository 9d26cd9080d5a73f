import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { rejects } from '../kit/assertions.ts'
import { isPending, soon } from '../kit/time.ts'
import { absentId, assertKey, firstId, type KeySetup, keyBytes, NO_KEY, operate, refreshed, secondId } from './bench.ts'
import type { KeyCase } from './case.ts'
import type { KeyFeature } from './feature.ts'
import type { KeyMutant } from './mutant.ts'

const MALFORMED: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['31 bytes', NO_KEY],
  ['33 bytes', Uint8Array.from([...NO_KEY, 1, 2])],
  ['32 times the same byte', new Uint8Array(32).fill(7)],
]

/** How bytes may be written down. */
const spellings = (bytes: Uint8Array): string[] => {
  const buffer = Buffer.from(bytes)
  const texts = (['hex', 'base64', 'base64url', 'latin1', 'utf8'] as const).map((encoding) => buffer.toString(encoding))
  return [...texts, bytes.join(','), bytes.join(', ')].flatMap((text) => [text, text.slice(0, 20)])
}

/** All that printing, logging or throwing shows of something. */
const shown = (thing: unknown): string => {
  const options = { depth: 12, showHidden: true, getters: true } as const
  const stack = thing instanceof Error ? `${thing.stack} ${String(thing.cause)}` : ''
  return `${inspect(thing, options)} ${JSON.stringify(thing)} ${String(thing)} ${stack}`
}

const assertHides = (thing: unknown, bytes: Uint8Array): void => {
  const text = shown(thing)
  for (const spelling of spellings(bytes)) assert.ok(!text.includes(spelling), 'key material is shown')
}

type Ask = (setup: KeySetup) => Promise<unknown>

const QUESTIONS: Readonly<Record<string, Ask>> = {
  'a key': (setup) => setup.provider.getKey(firstId(setup)),
  'a key that is not there': (setup) => setup.provider.getKey(absentId(setup)),
  'the current id': ({ provider }) => provider.currentKeyId(),
  'the list': async ({ provider }) => provider.validKeyIds?.(),
}

/** Denied, absent and unavailable are three things: only the second is null. */
const outage = (what: 'cut' | 'deny', name: string, catches: KeyCase['catches']): KeyCase => ({
  name,
  requirement: 'X14, KA4, KW1, design.md',
  catches,
  needs: [what],
  async run(setup) {
    await operate(setup, what)
    for (const [question, ask] of Object.entries(QUESTIONS)) {
      if (question === 'the list' && setup.provider.validKeyIds === undefined) continue
      const error = await rejects(() => ask(setup), 'KeyProviderError')
      assert.equal(error.isTransient, true, question)
    }
    await setup.heal()
    await refreshed(setup)
    assert.equal(await setup.provider.currentKeyId(), firstId(setup))
    await assertKey(setup.provider, firstId(setup))
  },
})

/** A key that cannot be used is a matter of its own messages: the others go on. */
const single = (
  what: string,
  requirement: string,
  code: 'KeyDisabled' | 'InvalidKeyLength',
  catches: readonly [KeyMutant, ...KeyMutant[]],
  needs: readonly KeyFeature[],
  spoil: (setup: KeySetup) => Promise<void>,
): KeyCase => ({
  name: `a key ${what} gives ${code} with its id, and concerns nobody else`,
  requirement,
  catches,
  needs,
  async run(setup) {
    await spoil(setup)
    await refreshed(setup)
    const error = await rejects(() => setup.provider.getKey(secondId(setup)), code)
    assert.ok(error.message.includes(secondId(setup)), 'the error names the key')
    await assertKey(setup.provider, firstId(setup))
    assert.equal(await setup.provider.currentKeyId(), firstId(setup))
    await setup.provider.validKeyIds?.()
  },
})

/** Keys and stores that fail, and what is told of it. */
export const failureCases: readonly KeyCase[] = [
  outage('cut', 'a store that cannot be reached gives KeyProviderError to every question, until it can', [
    'takes an outage for absent',
    'calls an outage permanent',
    'lists nothing in an outage',
    'names any key in an outage',
    'stays down',
  ]),
  outage('deny', 'a store that refuses gives KeyProviderError to every question, until it does not', [
    'takes denied for absent',
    'calls an outage permanent',
  ]),
  ...MALFORMED.map(([what, bytes]) =>
    single(
      `of ${what}`,
      'X1, KA1, KA4, KW1',
      'InvalidKeyLength',
      [
        'takes a malformed key for an outage',
        'takes a malformed key for absent',
        'fills malformed keys up',
        'fails for all because of one',
      ],
      ['put', 'malformed'],
      (setup) => operate(setup, 'put', secondId(setup), bytes),
    ),
  ),
  single(
    'that is disabled',
    'KA3, KA4',
    'KeyDisabled',
    [
      'serves disabled keys',
      'takes a disabled key for an outage',
      'takes a disabled key for absent',
      'fails for all because of one',
    ],
    ['put', 'disable'],
    async (setup) => {
      await operate(setup, 'put', secondId(setup), keyBytes(secondId(setup)))
      await operate(setup, 'disable', secondId(setup))
    },
  ),
  {
    name: 'whoever waits for a store that does not answer is let go by his signal, with its reason',
    requirement: 'X14, C6',
    catches: ['hears no abort', 'has a reason of its own'],
    needs: ['stall'],
    async run(setup) {
      const { provider, time } = setup
      await operate(setup, 'stall')
      const calls: readonly ((signal: AbortSignal) => Promise<unknown> | undefined)[] = [
        (signal) => provider.getKey(firstId(setup), { signal }),
        (signal) => provider.currentKeyId({ signal }),
        (signal) => provider.validKeyIds?.({ signal }),
      ]
      for (const call of calls) {
        const stop = new AbortController()
        const asked = call(stop.signal)?.catch((error: unknown) => error)
        if (asked === undefined) continue
        assert.ok(await isPending(time, asked))
        const reason = new Error('enough')
        stop.abort(reason)
        assert.equal(await soon(time, 'the end of the wait', asked), reason)
      }
      await setup.heal()
    },
  },
  {
    name: 'neither the provider nor a key shows what it holds',
    requirement: 'X19, X20, A31, SC3, C24',
    catches: ['shows its keys'],
    async run(setup) {
      const { provider } = setup
      const key = await provider.getKey(firstId(setup))
      assert.ok(key)
      for (const thing of [provider, key, { provider, key }, await provider.currentKeyId()]) {
        assertHides(thing, keyBytes(firstId(setup)))
      }
    },
  },
  {
    name: 'the error of what is no key does not show what it is',
    requirement: 'KA1, KW1, X20, E4',
    catches: ['quotes what is no key'],
    needs: ['put', 'malformed'],
    async run(setup) {
      await operate(setup, 'put', secondId(setup), NO_KEY)
      await refreshed(setup)
      const error: unknown = await setup.provider.getKey(secondId(setup)).catch((thrown: unknown) => thrown)
      assert.ok(error instanceof Error)
      assertHides(error, NO_KEY)
    },
  },
]
