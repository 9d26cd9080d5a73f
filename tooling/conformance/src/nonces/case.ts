import type { Case } from '../kit/case.ts'
import type { NonceSetup } from './bench.ts'
import type { NonceMutant } from './mutant.ts'

/** What of a store cannot be had: another connection, an end of its room, an outage. */
export type NonceFeature = 'peer' | 'fill' | 'cut'

export type NonceCase = Case<NonceSetup, NonceMutant, NonceFeature>
