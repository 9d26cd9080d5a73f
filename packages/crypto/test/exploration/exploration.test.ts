import { describe, expect, it } from 'vitest'
import { explore } from './explore.ts'
import { createModel } from './model.ts'
import { MUTANTS } from './mutants.ts'
import { real } from './subject.ts'

/** How often a copy is put back, and how much goes wrong. Time has no bound. */
const BOUNDS = { copies: 2, faults: 2 }

/** As much as it takes to see what is broken. */
const FEWER = { copies: 1, faults: 2 }

describe('every way that a message can take (protocol.md 5)', () => {
  it('keeps the promises: no delivery after a confirm, no two under live leases, no loss, no standstill', () => {
    const asked = new Set<string>()
    const { states, transitions, deliveries, owed, finding } = explore(createModel(real, BOUNDS), ({ call }) => {
      if (call === undefined) return
      const { operation, answer } = call
      const row = operation.kind === 'claim' ? `claim ${operation.stale ? 'stale' : 'fresh'}` : operation.kind
      asked.add(`${row}: ${answer}`)
    })
    process.stdout.write(
      `replay guard: ${states} states, ${transitions} transitions, ${deliveries} deliveries, ${owed} states that owe one\n`,
    )
    expect(finding).toBeUndefined()
    // Exploring fewer ways than before is a change to look at.
    expect({ states, transitions, deliveries, owed }).toMatchInlineSnapshot(`
      {
        "deliveries": 79863,
        "owed": 43745,
        "states": 313286,
        "transitions": 1776737,
      }
    `)
    expect([...asked].sort()).toEqual([
      'claim fresh: completed',
      'claim fresh: granted',
      'claim fresh: granted-again',
      'claim fresh: in-flight',
      'claim stale: completed',
      'claim stale: expired',
      'claim stale: granted-again',
      'claim stale: in-flight',
      'confirm: already',
      'confirm: lost',
      'confirm: ok',
      'release: lost',
      'release: ok',
      'renew: lost',
      'renew: ok',
    ])
  }, 60_000)

  it.each(MUTANTS)(
    'catches one that $name: $breaks',
    ({ subject, breaks }) => {
      const { finding } = explore(createModel(subject, FEWER))
      expect(finding?.broken, finding?.path.join(' · ')).toBe(breaks)
    },
    60_000,
  )
})
