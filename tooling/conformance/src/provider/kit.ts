import type { Kit } from '../kit/case.ts'
import { type ProviderBench, type ProviderSetup, providerBench } from './bench.ts'
import { deadLetterCases } from './dead-letter-cases.ts'
import { type ProviderFeature, providerFeatures } from './feature.ts'
import { fieldCases } from './field-cases.ts'
import { lateCases } from './late-cases.ts'
import type { ProviderMutant } from './mutant.ts'
import { receivingMutants } from './mutants/receiving.ts'
import { sendingMutants } from './mutants/sending.ts'
import { sessionMutants } from './mutants/sessions.ts'
import { settlingMutants } from './mutants/settling.ts'
import { reachCases } from './reach-cases.ts'
import { receivingCases } from './receiving-cases.ts'
import { schedulingCases } from './scheduling-cases.ts'
import { sendingCases } from './sending-cases.ts'
import { sessionCases } from './session-cases.ts'
import { sessionLockCases } from './session-lock-cases.ts'
import { settlingCases } from './settling-cases.ts'

/** What core asks of a provider: `QueueProvider` and the transports that it opens. */
export const providerKit: Kit<ProviderSetup, ProviderBench, ProviderMutant, ProviderFeature> = {
  name: 'QueueProvider',
  cases: [
    ...reachCases,
    ...sendingCases,
    ...fieldCases,
    ...receivingCases,
    ...settlingCases,
    ...lateCases,
    ...deadLetterCases,
    ...schedulingCases,
    ...sessionCases,
    ...sessionLockCases,
  ],
  features: providerFeatures,
  mutants: { ...sendingMutants, ...receivingMutants, ...settlingMutants, ...sessionMutants },
  bench: providerBench,
}
