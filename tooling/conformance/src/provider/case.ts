import type { Case } from '../kit/case.ts'
import type { ProviderBench } from './bench.ts'
import type { ProviderFeature } from './feature.ts'
import type { ProviderMutant } from './mutant.ts'

export type ProviderCase = Case<ProviderBench, ProviderMutant, ProviderFeature>
