import { type Answer, type Call, type LocalServer, startLocalServer } from '@queue-runtime/local-server'
import { challenge, refusal } from './refusals.ts'
import { nameOf, route } from './routes.ts'
import { createVault, type Vault } from './vault.ts'

/**
 * - `tls`: the names that the certificate is good for; left out: plain HTTP
 * - `now`: the time of the service, in milliseconds since 1970. Default the machine's
 * - `pageSize`: items on one page of a list. Default 25
 */
export interface KeyVaultOptions {
  readonly tls?: readonly [string, ...string[]]
  readonly now?: () => number
  readonly pageSize?: number
}

/** A local vault. A request without a token is answered with a challenge, which is a call named `Challenge`. */
export interface KeyVault extends LocalServer {
  /** What is stored; an operator of the service itself can change it. */
  readonly vault: Vault
  /** The tokens that are refused. */
  readonly refusedTokens: Set<string>
}

const UNAUTHORIZED: Answer = refusal(401, 'Unauthorized', 'AKV10032: Invalid issuer or expired token.')

/**
 * Starts the secrets of a vault on the loopback.
 *
 * @example
 * const vault = await startKeyVault({ tls: ['localhost'] })
 * const client = new SecretClient(vault.origin, credential, { disableChallengeResourceVerification: true, tlsOptions: { ca: vault.ca } })
 */
export async function startKeyVault({ tls, now = Date.now, pageSize = 25 }: KeyVaultOptions = {}): Promise<KeyVault> {
  const vault = createVault(now)
  const refusedTokens = new Set<string>()
  const tokenOf = (header: string | undefined): string | undefined => /^Bearer (.+)$/.exec(header ?? '')?.[1]

  const server: LocalServer = await startLocalServer({
    tls,
    name(request): Call {
      const call = nameOf(request)
      return tokenOf(request.headers.authorization) === undefined ? { ...call, operation: 'Challenge' } : call
    },
    answer(request) {
      const token = tokenOf(request.headers.authorization)
      if (token === undefined) return challenge
      if (refusedTokens.has(token)) return { ...UNAUTHORIZED, headers: challenge.headers ?? {} }
      return route({ vault, origin: server.origin, pageSize }, request)
    },
  })
  return { ...server, vault, refusedTokens }
}
