import type { Case } from '../kit/case.ts'
import type { NonceSetup } from './bench.ts'
import type { NonceMutant } from './mutant.ts'

/**
 * What a nonce store may lack, or not be made to do.
 *
 * - `peer`: other processes have the same store
 * - `fill`: its room can be used up
 * - `cut`: it lies behind something that can fail
 */
export type NonceFeature = 'peer' | 'fill' | 'cut'

export type NonceCase = Case<NonceSetup, NonceMutant, NonceFeature>
