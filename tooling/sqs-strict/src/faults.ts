import type { Json } from './answer.ts'

/** One request of a client. */
export interface Call {
  readonly action: string
  /** The last part of its QueueUrl, or its QueueName. */
  readonly queue: string
  readonly body: Json
}

/**
 * What goes wrong with one call.
 *
 * - `error`: it is answered so, and not carried out
 * - `cut`: the connection is cut, before it is carried out, after it, or in the middle of its answer
 * - `slow`: it is carried out, and answered so many milliseconds later
 * - `stall`: it is neither carried out nor answered
 * - `entries`: the entries that are not `spared` are not carried out, and reported as failed
 */
export type Fault =
  | {
      readonly kind: 'error'
      readonly status: number
      readonly code: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' | 'amid' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'stall' }
  | {
      readonly kind: 'entries'
      readonly code: string
      readonly senderFault: boolean
      readonly spared: (index: number) => boolean
    }

/** Decides about each call; undefined lets it pass. */
export type Faults = (call: Call) => Fault | undefined
