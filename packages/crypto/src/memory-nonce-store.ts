import { type Clock, type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, option, systemClock } from '@queue-runtime/core/provider'
import { createExpiryBuckets } from './expiry-buckets.ts'
import type { NonceIdentity, NonceStore } from './nonce-store.ts'
import { decide, type NonceAnswer, type NonceOperation, type NonceRecord } from './nonce-table.ts'

type Kind = NonceOperation['kind']
type Call<K extends Kind> = readonly [id: NonceIdentity, operation: NonceOperation<K>]

/** protocol.md 5. */
const DEFAULT_MAX_RECORDS = 1_000_000

/** The JSON of a list of texts: no two lists have the same, whatever characters they hold. */
const keyOf = ({ scope, keyId, nonce }: NonceIdentity): string =>
  JSON.stringify([scope, keyId, Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).toString('base64url')])

/**
 * Returns a nonce store in the memory of this process, for a single process and for tests: it knows of the replays among the
 * clients that share it, and forgets when the process ends. Nothing runs by itself: each call drops what has expired.
 *
 * - `clock`: default the machine's
 * - `maxRecords`: how many envelopes it remembers. Default 1 000 000. No record is dropped before its time: a call that finds
 *   no room rejects with NonceStoreUnavailable, and claims nothing
 *
 * @throws Configuration with the name of the option
 * @example
 * const crypto = messageCrypto({ enabled: true, keyProvider, nonceStore: memoryNonceStore() })
 */
export function memoryNonceStore(options: Options<{ clock: Clock; maxRecords: number }> = {}): NonceStore {
  checkOptions(options, { clock: option.object('a Clock', 'now', 'sleep'), maxRecords: option.wholeNumber(1) })
  const { clock = systemClock, maxRecords = DEFAULT_MAX_RECORDS } = options
  const records = new Map<string, NonceRecord>()
  const expiry = createExpiryBuckets(clock.now())

  /** All or nothing: where there is no room for every new record, none is written. */
  const write = (changes: ReadonlyMap<string, NonceRecord>): void => {
    const added = [...changes.keys()].filter((key) => !records.has(key))
    if (records.size + added.length > maxRecords) {
      throw new QueueError('NonceStoreUnavailable', `The nonce store is full: it holds ${records.size} records.`)
    }
    for (const [key, record] of changes) {
      expiry.file(key, record.expiresAt, records.get(key)?.expiresAt)
      records.set(key, record)
    }
  }

  /** Atomic, since nothing in it waits. */
  const run = <K extends Kind>(calls: readonly Call<K>[]): NonceAnswer<K>[] => {
    const now = clock.now()
    for (const key of expiry.takeExpired(now)) records.delete(key)
    const changes = new Map<string, NonceRecord>()
    const answers = calls.map(([id, operation]) => {
      const key = keyOf(id)
      const { answer, record } = decide(changes.get(key) ?? records.get(key), operation, now)
      if (record !== undefined) changes.set(key, record)
      return answer
    })
    write(changes)
    return answers
  }

  const runOne = <K extends Kind>(...call: Call<K>): NonceAnswer<K> => run([call])[0] as NonceAnswer<K>

  return {
    claim: async (requests) => run(requests.map((request) => [request, { kind: 'claim', ...request }])),
    renew: async (id, leaseMs) => runOne(id, { kind: 'renew', token: id.token, leaseMs }),
    confirm: async (id, retainMs) => runOne(id, { kind: 'confirm', token: id.token, retainMs }),
    release: async (id, retainMs) => runOne(id, { kind: 'release', token: id.token, retainMs }),
  }
}
