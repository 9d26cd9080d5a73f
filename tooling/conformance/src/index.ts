import type { Case } from './bench.ts'
import { consumerCases } from './consumer-cases.ts'
import { deliveryCases } from './delivery-cases.ts'
import { messageCases } from './message-cases.ts'
import type { Mutant } from './mutants.ts'
import { refusalCases } from './refusal-cases.ts'

export type { Bench, Case } from './bench.ts'
export { type Mutant, mutants } from './mutants.ts'

/** What a client promises on any provider, with protection or without. */
export const clientCases: readonly Case<Mutant>[] = [
  ...messageCases,
  ...deliveryCases,
  ...refusalCases,
  ...consumerCases,
]
