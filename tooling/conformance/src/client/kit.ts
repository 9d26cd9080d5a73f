import type { Kit } from '../kit/case.ts'
import { providerBench } from '../provider/bench.ts'
import { providerFeatures } from '../provider/feature.ts'
import { providerKit } from '../provider/kit.ts'
import type { ProviderMutant } from '../provider/mutant.ts'
import { type ClientBench, type ClientSetup, clientBench } from './bench.ts'
import type { ClientFeature, SharedFeature } from './case.ts'
import { consumerCases } from './consumer-cases.ts'
import { deadLetterCases } from './dead-letter-cases.ts'
import { deliveryCases } from './delivery-cases.ts'
import { hostCases } from './host-cases.ts'
import { messageCases } from './message-cases.ts'
import { outageCases } from './outage-cases.ts'
import { refusalCases } from './refusal-cases.ts'
import { sessionCases } from './session-cases.ts'

/** A look at a feature of the provider below. */
const below =
  (feature: SharedFeature) =>
  async (setup: ClientBench): Promise<boolean> => {
    const bench = providerBench(setup)
    try {
      return (await providerFeatures[feature]?.(bench)) ?? false
    } finally {
      await bench.close()
    }
  }

type Mutants = Readonly<Record<ProviderMutant, (setup: ClientSetup) => ClientSetup>>

/** Sound clients on broken providers. */
const mutants = Object.fromEntries(
  Object.entries(providerKit.mutants).map(([name, fault]) => [
    name,
    (setup: ClientSetup): ClientSetup => ({ ...setup, provider: fault(setup).provider }),
  ]),
) as Mutants

/** What a client promises on any provider, with protection or without. */
export const clientKit: Kit<ClientSetup, ClientBench, ProviderMutant, ClientFeature> = {
  name: 'QueueClient',
  cases: [
    ...messageCases,
    ...deliveryCases,
    ...refusalCases,
    ...consumerCases,
    ...sessionCases,
    ...deadLetterCases,
    ...hostCases,
    ...outageCases,
  ],
  features: {
    order: null,
    sessionIds: below('sessionIds'),
    sessions: below('sessions'),
    exclusiveSessions: null,
    deadLetters: below('deadLetters'),
    deduplication: below('deduplication'),
    probe: below('probe'),
    depth: below('depth'),
    missingQueue: below('missingQueue'),
  },
  mutants,
  bench: clientBench,
}
