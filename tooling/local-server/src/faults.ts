import type { Answer, Call } from './call.ts'

/**
 * What goes wrong with one call.
 *
 * - `answer`: it is answered so, and not carried out
 * - `cut`: the connection is cut, before it is carried out, after it, or in the middle of its answer
 * - `slow`: it is carried out, and answered so many milliseconds later
 * - `stall`: it is neither carried out nor answered
 */
export type Fault =
  | ({ readonly kind: 'answer' } & Answer)
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' | 'amid' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'stall' }

/** Decides about each call; undefined lets it pass. */
export type Faults = (call: Call) => Fault | undefined
