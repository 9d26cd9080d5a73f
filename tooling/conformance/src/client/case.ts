import type { Case } from '../kit/case.ts'
import type { ProviderFeature } from '../provider/feature.ts'
import type { ProviderMutant } from '../provider/mutant.ts'
import type { ClientBench } from './bench.ts'

/** Features of the provider that make a difference to its clients. */
export type SharedFeature = Extract<
  ProviderFeature,
  'order' | 'sessionIds' | 'sessions' | 'deadLetters' | 'deduplication' | 'probe' | 'depth' | 'missingQueue'
>

/** `exclusiveSessions`: a session is handled by one at a time, whether its lock can be accepted or the broker keeps the rest back. */
export type ClientFeature = SharedFeature | 'exclusiveSessions'

/** Each catches broken providers, which a client must be seen to suffer from. */
export type ClientCase = Case<ClientBench, ProviderMutant, ClientFeature>
