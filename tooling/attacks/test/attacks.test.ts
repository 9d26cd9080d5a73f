import { describe, expect, it } from 'vitest'
import type { Attack } from '../src/attack.ts'
import { ATTACKS } from '../src/attacks.ts'
import { createGround } from '../src/ground.ts'
import { library } from '../src/library.ts'
import { runRow } from '../src/run.ts'
import { MUTANTS } from './mutants/all.ts'

/** For a busy machine: each takes well under a second on an idle one. */
const PATIENT = { timeout: 30_000 }

const attacks = ATTACKS.filter((row): row is Attack => 'run' in row)

describe('protocol.md 9, attack', () => {
  it.for(attacks)('$number: $by $name', PATIENT, async (row) => {
    const { status, outcome } = await runRow(row, library)
    expect({ status, outcome }).toEqual({ status: 'passed', outcome: row.expected })
  })

  // These wait for parts that the repository does not have yet; each says for which, and is counted as skipped until then.
  for (const row of ATTACKS) {
    if ('skipped' in row) it.skip(`${row.number}: ${row.by} ${row.name}: ${row.skipped}`)
  }
})

describe('the table', () => {
  it('has each of the 45 attacks, in order', () => {
    const numbers = ATTACKS.map(({ number }) => number)
    expect([...new Set(numbers)]).toEqual(Array.from({ length: 45 }, (_, index) => index + 1))
  })

  it('runs each attack at least once', () => {
    expect(new Set(attacks.map(({ number }) => number)).size).toBe(45)
  })

  it('names each broken library that there is', () => {
    const named = new Set(attacks.flatMap(({ catches }) => catches))
    expect(Object.keys(MUTANTS).filter((name) => ![...named].some((one) => one === name))).toEqual([])
  })
})

const pairs = attacks.flatMap((row) => row.catches.map((mutant) => ({ row, mutant, number: row.number })))

describe('the table catches a library that', () => {
  it.for(pairs)('$mutant, by attack $number', PATIENT, async ({ row, mutant }) => {
    const { status, outcome } = await runRow(row, { ...library, ...MUTANTS[mutant] }, 10_000)
    expect(status).toBe('failed')
    // Caught by what it did, and not because the attack could not be carried out.
    expect(outcome).not.toMatch(/^the attack broke off|^not ended/)
  })
})

describe('apart from its one fault, a library that', () => {
  it.for(Object.entries(MUTANTS))('%s carries a message', async ([, fault], { expect }) => {
    const ground = createGround({ ...library, ...fault })
    const nonceStore = ground.library.memoryNonceStore({ clock: ground.clock })
    const client = ground.client({ nonceStore, plaintextPolicy: 'allow' })
    await client.send({ body: 'hello', sessionId: 's', correlationId: 'c', attributes: { a: 'b' } })
    const message = await client.receive({ waitMs: 0 })
    expect([message?.text(), message?.sessionId, message?.attributes]).toEqual(['hello', 's', { a: 'b' }])
    await message?.complete()
    expect(ground.queue().messages()).toEqual([])
    await ground.close()
  })
})

describe('an attack', () => {
  it('that never ends has failed', async () => {
    const [first] = attacks
    if (first === undefined) throw new Error('There is no attack.')
    const hanging = { ...first, run: () => new Promise<never>(() => {}) }
    expect(await runRow(hanging, library, 10)).toMatchObject({ status: 'failed', outcome: 'not ended after 10 ms' })
  })
})
