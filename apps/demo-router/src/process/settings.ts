import { type BackendsConfig, readBackends } from '../backends/backends.ts'
import { type Environment, readVariables, type Variables } from '../config/variables.ts'
import type { Stance } from '../protections.ts'

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What router and bots alike are told by their environment. */
export interface Settings {
  readonly variables: Variables
  readonly environment: Environment
  readonly backends: BackendsConfig
  /** Where health, readiness and metrics are asked for: apart from what strangers reach. */
  readonly ops: Address
  /** How long a stop may take, in milliseconds. */
  readonly shutdownMs: number
  /** How long what the key store said is believed, in milliseconds. */
  readonly keyRefreshMs: number
  readonly stance: Stance
}

const MODES: readonly Stance['mode'][] = ['reject', 'allow-with-alert', 'plaintext']

export const addressOf = (variables: Variables, host: 'HOST' | 'OPS_HOST', port: 'PORT' | 'OPS_PORT'): Address => ({
  host: variables.get(host) ?? '',
  port: Number(variables.get(port)),
})

/**
 * Reads and checks the environment of a process.
 *
 * @throws Configuration naming the variable
 */
export function readSettings(environment: Environment): Settings {
  const variables = readVariables(environment)
  return {
    ...{ variables, environment },
    backends: readBackends(variables),
    ops: addressOf(variables, 'OPS_HOST', 'OPS_PORT'),
    shutdownMs: Number(variables.get('SHUTDOWN_SECONDS')) * 1_000,
    keyRefreshMs: Number(variables.get('KEY_REFRESH_MS')),
    stance: {
      mode: MODES.find((mode) => mode === variables.get('PLAINTEXT_POLICY')) ?? 'reject',
      seals: variables.get('SEALING') === 'on',
    },
  }
}
