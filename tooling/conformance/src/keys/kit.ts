import type { Kit } from '../kit/case.ts'
import type { KeySetup } from './bench.ts'
import { failureCases } from './failure-cases.ts'
import { type KeyFeature, keyFeatures } from './feature.ts'
import { lookupCases } from './lookup-cases.ts'
import type { KeyMutant } from './mutant.ts'
import { keyMutants } from './mutants.ts'
import { rotationCases } from './rotation-cases.ts'

/** What crypto asks of a store of keys: `KeyProvider`. */
export const keyKit: Kit<KeySetup, KeySetup, KeyMutant, KeyFeature> = {
  name: 'KeyProvider',
  cases: [...lookupCases, ...rotationCases, ...failureCases],
  features: keyFeatures,
  mutants: keyMutants,
  bench: (setup) => ({ ...setup, close: async () => {} }),
}
