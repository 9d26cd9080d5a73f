import { type LocalRequest, type LocalServer, startLocalServer, text } from '@queue-runtime/local-server'
import { ACTIONS } from './actions.ts'
import { refusal } from './refusals.ts'
import { type RotationStep, runRotation } from './rotation.ts'
import { createStore, type Store } from './store.ts'

/**
 * - `tls`: the names that the certificate is good for; left out: plain HTTP
 * - `now`: the time of the service, in milliseconds since 1970. Default the machine's
 * - `pageSize`: items on one page of a list. Default 100
 * - `listLagMs`: so long ListSecrets does not know of a new secret; the service itself says up to five minutes. Default 0
 * - `rotationFunction`: what RotateSecret calls
 */
export interface SecretsManagerOptions {
  readonly tls?: readonly [string, ...string[]]
  readonly now?: () => number
  readonly pageSize?: number
  readonly listLagMs?: number
  readonly rotationFunction?: (step: RotationStep) => Promise<unknown>
}

/** A local Secrets Manager. Signatures are not checked, but have to be there. */
export interface SecretsManager extends LocalServer {
  /** What is stored; an operator of the service itself can change it. */
  readonly store: Store
  /** Resolves once every rotation that was asked for has ended; rejects with what the function threw. */
  rotated(): Promise<void>
}

const operationOf = ({ headers }: LocalRequest): string =>
  String(headers['x-amz-target'] ?? '').replace(/^secretsmanager\./, '')

/**
 * Starts the Secrets Manager of one account on the loopback.
 *
 * @example
 * const manager = await startSecretsManager()
 * const client = new SecretsManagerClient({ endpoint: manager.origin, region: 'us-east-1', credentials })
 */
export async function startSecretsManager(options: SecretsManagerOptions = {}): Promise<SecretsManager> {
  const { tls, now = Date.now, pageSize = 100, listLagMs = 0, rotationFunction } = options
  const store = createStore(now)
  const rotations: Promise<void>[] = []
  const place = {
    ...{ store, pageSize, listLagMs },
    nowMs: now,
    onRotate:
      rotationFunction &&
      (({ arn }: { readonly arn: string }, id: string) => {
        const rotation = runRotation(rotationFunction, arn, id)
        rotation.catch(() => {})
        rotations.push(rotation)
      }),
  }

  const server = await startLocalServer({
    tls,
    name: (request) => ({
      operation: operationOf(request),
      subject: text(request.body, 'SecretId') ?? text(request.body, 'Name') ?? '',
    }),
    answer(request) {
      if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
        return refusal('MissingAuthenticationTokenException', 'Missing Authentication Token')
      }
      const action = ACTIONS[operationOf(request)]
      return action?.(place, request.body) ?? refusal('UnknownOperationException', 'There is no such action.')
    },
  })
  return {
    ...server,
    store,
    async rotated() {
      await Promise.all(rotations)
    },
  }
}
