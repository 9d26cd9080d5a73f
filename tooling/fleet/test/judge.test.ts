import { describe, expect, test } from 'vitest'
import type { Entry, Fact } from '../src/journal.ts'
import { judge, type Wrongs } from '../src/judge.ts'

const nothing: Wrongs = {
  lost: [],
  handledAfterConfirm: [],
  grantedAfterConfirm: [],
  confirmedTwice: [],
  deletedUnconfirmed: [],
  forged: [],
  unsettled: [],
  wronglyBuried: [],
}

/** The facts one after the other, a microsecond apart. */
const journal = (...facts: readonly Fact[]): Entry[] => facts.map((fact, at) => ({ ...fact, at, by: 'a process' }))

const original = { broker: 'b-1', envelope: 'e-1', id: 'm-1' }
const copy = { ...original, broker: 'b-2' }
const altered = { ...original, broker: 'b-3', id: 'forged-m-1' }

const inQueue: readonly Fact[] = [
  { fact: 'sent', id: 'm-1' },
  { fact: 'seen', ...original },
  { fact: 'copied', as: 'exact', ...copy },
  { fact: 'copied', as: 'altered', ...altered },
]
const claimed = (answer: string, from = 0): Fact => ({ fact: 'claimed', envelope: 'e-1', answer, from })
const confirmed = (answer: string): Fact => ({ fact: 'confirmed', envelope: 'e-1', answer, from: 0 })
const handling = (letter: typeof original): Fact[] => [
  { fact: 'began', ...letter },
  { fact: 'handled', ...letter },
]
const deleting = (letter: typeof original): Fact[] => [
  { fact: 'deleting', ...letter },
  { fact: 'deleted', ...letter },
]
const good = [...inQueue, claimed('granted'), ...handling(original), confirmed('ok'), ...deleting(original)]
const whole = [...good, claimed('completed'), ...deleting(copy)]
const letters = ['forged-m-1']

const wrongsOf = (facts: readonly Fact[], buried = letters): Wrongs => judge(journal(...facts), buried).wrongs

describe('the judge', () => {
  test('finds nothing wrong where the copy is settled as a duplicate and the altered one is a dead letter', () => {
    const { wrongs, figures } = judge(journal(...whole), letters)
    expect(wrongs).toEqual(nothing)
    expect(figures).toMatchObject({ sent: 1, handlings: 1, copies: 2, duplicates: 1, takenFirst: 0, refused: 1 })
  })

  test('takes a copy that comes first for the original, which is then the duplicate', () => {
    const facts = [...inQueue, claimed('granted'), ...handling(copy), confirmed('ok'), ...deleting(copy)]
    const { wrongs, figures } = judge(journal(...facts, claimed('completed'), ...deleting(original)), letters)
    expect(wrongs).toEqual(nothing)
    expect(figures).toMatchObject({ duplicates: 0, takenFirst: 1 })
  })

  test('allows a message to be handled again as long as nobody confirmed it (A29)', () => {
    const facts = [...inQueue, claimed('granted'), { fact: 'began', ...original } as const, claimed('granted-again')]
    const { wrongs, figures } = judge(journal(...facts, ...whole.slice(inQueue.length)), letters)
    expect(wrongs).toEqual(nothing)
    expect(figures.repeated).toBe(1)
  })

  test('allows a claim to be refused and a confirm to be repeated after the confirm', () => {
    const later = whole.length
    expect(
      wrongsOf([...whole, claimed('completed', later), claimed('in-flight', later), confirmed('already')]),
    ).toEqual(nothing)
  })

  test('allows somebody whose claim was granted before the confirm to be answered after it', () => {
    expect(wrongsOf([...whole, claimed('granted', 0)])).toEqual(nothing)
  })

  test('counts those that were killed between handling and confirm, and between confirm and deletion', () => {
    const by = (name: string, entries: readonly Entry[]): Entry[] => entries.map((entry) => ({ ...entry, by: name }))
    const entries = [
      ...by('one', journal(...handling(original))),
      ...by('two', journal(...handling(original), confirmed('ok'))),
      ...by('three', journal(claimed('completed'), ...deleting(original))),
    ]
    expect(judge(entries, []).figures).toMatchObject({ diedUnconfirmed: 1, diedUndeleted: 1 })
  })

  const late = whole.length
  test.each<[what: string, facts: readonly Fact[], wrongs: Partial<Wrongs>, buried?: string[]]>([
    ['a message that nobody handled', whole.filter(({ fact }) => fact !== 'handled'), { lost: ['m-1'] }],
    [
      'one that is handled after a confirm was answered',
      [...whole, ...handling(copy)],
      { handledAfterConfirm: ['m-1'] },
    ],
    [
      'one that is handled after a claim was told that it is completed',
      [
        ...whole.filter(({ fact }) => fact !== 'confirmed' && fact !== 'deleted' && fact !== 'deleting'),
        ...handling(copy),
      ],
      { handledAfterConfirm: ['m-1'], unsettled: ['b-1', 'b-2'] },
    ],
    [
      'one that is handled after the queue had deleted it, where nobody confirms',
      [...inQueue, ...handling(original), ...deleting(original), ...handling(copy), ...deleting(copy)],
      { handledAfterConfirm: ['m-1'], deletedUnconfirmed: ['m-1'] },
    ],
    [
      'a grant that was asked for after the confirm',
      [...whole, claimed('granted-again', late)],
      { grantedAfterConfirm: ['e-1'] },
    ],
    ['a second first confirm', [...whole, confirmed('ok')], { confirmedTwice: ['e-1'] }],
    [
      'a message that is deleted before it is confirmed',
      [
        ...inQueue,
        ...handling(original),
        { fact: 'deleting', ...original },
        confirmed('ok'),
        { fact: 'deleting', ...copy },
      ],
      { deletedUnconfirmed: ['m-1'] },
    ],
    [
      'a confirm that was lost and counts for nothing',
      whole.map((fact) => (fact.fact === 'confirmed' ? confirmed('lost') : fact)),
      { deletedUnconfirmed: ['m-1'] },
    ],
    [
      'an altered copy that is handled',
      [...whole, ...handling(altered)],
      { forged: ['forged-m-1'], handledAfterConfirm: ['forged-m-1'] },
    ],
    ['a copy that nobody settled', good, { unsettled: ['b-2'] }],
    ['an altered copy that is gone', whole, { unsettled: ['b-3'] }, []],
    ['a dead letter that is none', whole, { wronglyBuried: ['m-1'] }, ['forged-m-1', 'm-1']],
  ])('tells %s', (_, facts, wrongs, buried = letters) => {
    expect(wrongsOf(facts, buried)).toEqual({ ...nothing, ...wrongs })
  })
})
