import type { Kit } from '../kit/case.ts'
import type { NonceSetup } from './bench.ts'
import type { NonceFeature } from './case.ts'
import type { NonceMutant } from './mutant.ts'
import { nonceMutants } from './mutants.ts'
import { pathCase } from './path-case.ts'
import { storeCases } from './store-cases.ts'
import { tableCases } from './table-cases.ts'

const provides =
  (property: 'peer' | 'fill' | 'cut') =>
  (setup: NonceSetup): boolean =>
    setup[property] !== undefined

/** What crypto asks of a memory for nonces: `NonceStore`. */
export const nonceKit: Kit<NonceSetup, NonceSetup, NonceMutant, NonceFeature> = {
  name: 'NonceStore',
  cases: [...tableCases, ...storeCases, pathCase],
  features: { peer: provides('peer'), fill: provides('fill'), cut: provides('cut') },
  mutants: nonceMutants,
  bench: (setup) => ({ ...setup, close: async () => {} }),
}
