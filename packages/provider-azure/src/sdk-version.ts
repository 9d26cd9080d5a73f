import type { ServiceBusClient } from '@azure/service-bus'
import { misconfigured } from '@queue-runtime/core/provider'

/** The oldest release of version 7 that this package is tested with; the peer dependency says the same. */
const OLDEST = { minor: 9, patch: 3 }

/** Where the SDK keeps what it tells Service Bus of itself when it connects. */
interface Inside {
  readonly _connectionContext?: {
    readonly connection?: { readonly options?: { readonly properties?: { readonly version?: unknown } } }
  }
}

/**
 * Checks which SDK a client is made of: package managers only warn about peer dependencies, and a bundle may hold any.
 * @throws Configuration with field `client`
 */
export function checkSdk(client: ServiceBusClient): void {
  const version = (client as unknown as Inside)._connectionContext?.connection?.options?.properties?.version
  // Where it tells none, nothing is known against it.
  if (typeof version !== 'string') return
  const [, major, minor, patch] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  const isOld = minor === undefined || minor < OLDEST.minor || (minor === OLDEST.minor && Number(patch) < OLDEST.patch)
  if (major === 7 && !isOld) return
  throw misconfigured(
    'client',
    `needs @azure/service-bus 7, from 7.${OLDEST.minor}.${OLDEST.patch} on, and found ${version}.`,
  )
}
