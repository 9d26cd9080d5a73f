import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it } from 'vitest'
import { memoryNonceStore } from '../../src/index.ts'
import type { NonceIdentity, NonceStore } from '../../src/nonce-store.ts'
import type { NonceOperation, NonceRecord } from '../../src/nonce-table.ts'
import { NOW } from '../support.ts'
import { MUTANTS } from './mutants.ts'
import { drive, storePaths } from './store-paths.ts'
import { real, type Subject } from './subject.ts'

const paths = storePaths({ copies: 1, faults: 2 })

const shifted = (record: NonceRecord | undefined, by: number): NonceRecord | undefined => {
  if (record === undefined) return undefined
  const expiresAt = record.expiresAt + by
  return record.state === 'claimed'
    ? { ...record, expiresAt, leaseEnd: record.leaseEnd + by }
    : { ...record, expiresAt }
}

/** A store that decides as it is told; like the model, it shows each record in times from now. */
const storeOf = ({ decide }: Subject, now: () => number): NonceStore => {
  const records = new Map<string, NonceRecord | undefined>()
  const run = (id: NonceIdentity, operation: NonceOperation): never => {
    const key = Buffer.from(id.nonce).toString('hex')
    const { answer, record } = decide(shifted(records.get(key), -now()), operation, 0)
    records.set(key, shifted(record, now()))
    return answer as never
  }
  return {
    claim: async (requests) => requests.map((request) => run(request, { kind: 'claim', ...request })),
    renew: async (id, leaseMs) => run(id, { kind: 'renew', token: id.token, leaseMs }),
    confirm: async (id, retainMs) => run(id, { kind: 'confirm', token: id.token, retainMs }),
    release: async (id, retainMs) => run(id, { kind: 'release', token: id.token, retainMs }),
  }
}

const wrongStores = MUTANTS.filter(({ subject }) => subject.decide !== real.decide)

describe('the paths of the exploration', () => {
  const clock = fakeClock(NOW)
  const advance = (ms: number): Promise<void> => clock.advance(ms)

  it('lead memoryNonceStore to the answers of the state table', async () => {
    process.stdout.write(`replay guard: a store is led along ${paths.length} paths\n`)
    expect(await drive({ store: memoryNonceStore({ clock }), advance }, paths)).toEqual([])
    expect(paths.length).toBeGreaterThan(500)
  })

  it('leave time for a store that is asked a little late, as in real time', async () => {
    const askLate = async (graceMs: number): Promise<string[]> => {
      const late = fakeClock(NOW)
      const advance = (ms: number): Promise<void> => late.advance(late.now() === NOW ? ms + 100 : ms)
      return drive({ store: memoryNonceStore({ clock: late }), advance, graceMs }, paths)
    }
    expect(await askLate(125)).toEqual([])
    expect(await askLate(0)).not.toEqual([])
  })

  it.each(wrongStores)('show a store that $name', async ({ subject }) => {
    expect(await drive({ store: storeOf(subject, () => clock.now()), advance }, paths)).not.toEqual([])
  })
})
