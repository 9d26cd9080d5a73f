import { isQueueError, QueueError } from '@queue-runtime/crypto/provider'

// Every error of this package. None holds the text of an error of the client or the server: they quote commands, addresses and names.

/** What a server, a cluster or the client says of a command. */
type Refusal =
  | 'unknown-script'
  | 'moved'
  | 'cut'
  | 'unreachable'
  | 'timed-out'
  | 'rejected'
  | 'denied'
  | 'no-database'
  | 'full'
  | 'read-only'
  | 'loading'
  | 'busy'
  | 'cluster-down'
  | 'no-replicas'
  | 'no-snapshots'
  | 'too-many-clients'
  | 'foreign-value'
  | 'closed'
  | 'failed'

const all = (refusal: Refusal, ...names: readonly string[]): [string, Refusal][] => names.map((name) => [name, refusal])

/** Source: the first words of the errors in the sources of Redis 7.0, the codes of Node. */
const BY_CODE: ReadonlyMap<string, Refusal> = new Map([
  ...all('unknown-script', 'NOSCRIPT'),
  ...all('moved', 'MOVED', 'ASK', 'TRYAGAIN'),
  ...all('cut', 'ECONNRESET', 'EPIPE', 'ECONNABORTED'),
  ...all('unreachable', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ENOENT'),
  ...all('unreachable', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN'),
  ...all('unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'EPROTO'),
  ...all('timed-out', 'ETIMEDOUT'),
  ...all('rejected', 'NOAUTH', 'WRONGPASS'),
  ...all('denied', 'NOPERM'),
  ...all('no-database', 'NODATABASE'),
  ...all('full', 'OOM'),
  ...all('read-only', 'READONLY'),
  ...all('loading', 'LOADING', 'MASTERDOWN'),
  ...all('busy', 'BUSY'),
  ...all('cluster-down', 'CLUSTERDOWN', 'CROSSSLOT'),
  ...all('no-replicas', 'NOREPLICAS'),
  ...all('no-snapshots', 'MISCONF'),
  ...all('foreign-value', 'WRONGTYPE'),
])

/** Where there is no code, or the code says nothing. The errors of ioredis have none. */
const BY_TEXT: readonly (readonly [pattern: RegExp, refusal: Refusal])[] = [
  [/executing the script can't/, 'denied'],
  [/invalid (username-)?password|called without any password configured/i, 'rejected'],
  [/max number of clients/, 'too-many-clients'],
  [/^Command aborted due to connection close|^Connection is closed/, 'cut'],
  [/timed out|^Socket timeout|ETIMEDOUT/, 'timed-out'],
  [/max retries per request|isn't writeable|isn't ready|startup nodes|slots cache|sentinels/i, 'unreachable'],
  [/Cluster redirections/, 'cluster-down'],
]

const TEXTS: Readonly<Record<Refusal, string>> = {
  'unknown-script': 'Redis forgets the script as often as it is told it.',
  moved: 'The record is on another node: it is moving, or a cluster is asked as if it were one server.',
  cut: 'The connection to Redis was cut.',
  unreachable: 'Redis cannot be reached.',
  'timed-out': 'Redis did not answer in time.',
  rejected: 'Redis rejects the user or the password, or wants one.',
  denied: 'Redis denies the user a command or the keys; see the permissions in the README.',
  'no-database': 'Redis cannot select the database: the user lacks +select, or there is none with this number.',
  full: 'Redis has no memory left (maxmemory).',
  'read-only': 'Redis is a replica and takes no writes.',
  loading: 'Redis is loading its data, or its master cannot be reached.',
  busy: 'Redis is busy with a script of somebody else.',
  'cluster-down': 'The cluster does not serve all of its slots.',
  'no-replicas': 'Redis has fewer replicas than it wants for writes (min-replicas-to-write).',
  'no-snapshots': 'Redis takes no writes, because it cannot save snapshots.',
  'too-many-clients': 'Redis has too many clients (maxclients).',
  'foreign-value': 'Under the key of a record Redis holds something else.',
  closed: 'The nonce store is closed.',
  failed: 'Redis failed.',
}

const CODE_IN_TEXT = /\b[A-Z]{3,}\b/g

/** A script's error has the code first (Redis 7) or after the place in the script (before). */
const codeIn = (text: string): Refusal | undefined =>
  (text.match(CODE_IN_TEXT) ?? []).map((word) => BY_CODE.get(word)).find((refusal) => refusal !== undefined)

/** Returns what the client or the server says by what it threw. */
export function refusalOf(thrown: unknown): Refusal {
  const { message, code }: { message?: unknown; code?: unknown } =
    typeof thrown === 'object' && thrown !== null ? thrown : {}
  const text = String(message)
  const byText = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1]
  return BY_CODE.get(String(code)) ?? byText ?? codeIn(text) ?? 'failed'
}

export const unavailable = (refusal: Refusal): QueueError<'NonceStoreUnavailable'> =>
  new QueueError('NonceStoreUnavailable', TEXTS[refusal])

/** `why`: what stands in the way of the connection, where that is known. */
export const timedOut = (timeoutMs: number, why: Refusal | undefined): QueueError<'NonceStoreUnavailable'> =>
  new QueueError(
    'NonceStoreUnavailable',
    `Redis did not answer within ${timeoutMs} ms.${why === undefined ? '' : ` ${TEXTS[why]}`}`,
  )

export const tooFewReplicas = (wanted: number, count: number): QueueError<'NonceStoreUnavailable'> =>
  new QueueError('NonceStoreUnavailable', `${count} of ${wanted} replicas have taken the record over in time.`)

/** Returns our error for whatever was thrown. */
export const fromRedis = (thrown: unknown): QueueError =>
  isQueueError(thrown) ? thrown : unavailable(refusalOf(thrown))
