import type { Case } from '../kit/case.ts'
import type { KeySetup } from './bench.ts'
import type { KeyFeature } from './feature.ts'
import type { KeyMutant } from './mutant.ts'

export type KeyCase = Case<KeySetup, KeyMutant, KeyFeature>
