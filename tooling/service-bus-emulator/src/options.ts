import type { Clock } from '@queue-runtime/core'
import { checkOptions, option, systemClock } from '@queue-runtime/core/provider'
import type { AccessKey, JwtCheck } from './access.ts'
import type { TlsOptions } from './amqp/server.ts'
import { DEFAULT_SETTINGS, type QueueSettings } from './store/settings.ts'

/** How one queue differs from a queue made in Azure without any setting. */
export type QueueOptions = { readonly [K in keyof QueueSettings]?: QueueSettings[K] | undefined }

export interface EmulatorOptions {
  /** The queues by name: a list of names, or the options of each. */
  readonly queues: readonly string[] | Readonly<Record<string, QueueOptions>>
  /** Default 0: any free port. */
  readonly port?: number | undefined
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** Key and certificate in PEM; with them the emulator speaks TLS only. */
  readonly tls?: TlsOptions | undefined
  /** The shared access keys by name. Left out: any name and key will do. */
  readonly accessKeys?: Readonly<Record<string, AccessKey>> | undefined
  /** Says what the bearer of a JWT may do; null refuses it. Left out: any token will do. */
  readonly checkJwt?: JwtCheck | undefined
  /** Locks, times to live, schedules and waits go by it. Default: the clock of the machine. */
  readonly clock?: Clock | undefined
}

export interface EmulatorSettings {
  readonly queues: ReadonlyMap<string, QueueSettings>
  readonly port: number
  readonly host: string
  readonly tls: TlsOptions | undefined
  readonly accessKeys: Readonly<Record<string, AccessKey>> | undefined
  readonly checkJwt: JwtCheck | undefined
  readonly clock: Clock
}

/** Names of entities: up to 260 letters, digits, `.`, `-`, `_` and `/` (Azure Resource Manager naming rules). */
const isEntityName = (name: unknown): boolean =>
  typeof name === 'string' && /^[A-Za-z0-9](?:[\w./-]{0,258}[A-Za-z0-9_])?$/.test(name)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isTime = (value: unknown): boolean =>
  value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) >= 1)

/** The longest lock of a queue in Azure: 5 minutes. */
const MAX_LOCK_MS = 300_000

/** @throws Configuration with the name of the option */
export function queueSettings(options: QueueOptions): QueueSettings {
  checkOptions(options, {
    lockDurationMs: option.wholeNumber(1, MAX_LOCK_MS),
    maxDeliveryCount: option.wholeNumber(1),
    timeToLiveMs: option.that('a whole number, at least 1, or Infinity', isTime),
    deadLetterOnExpiration: option.boolean,
    requiresSession: option.boolean,
    duplicateDetectionMs: option.wholeNumber(0),
    maxMessageBytes: option.wholeNumber(1),
  })
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return { ...DEFAULT_SETTINGS, ...given }
}

/** @throws Configuration with the name of the option */
export function emulatorSettings(options: EmulatorOptions): EmulatorSettings {
  checkOptions(
    options,
    {
      queues: option.that('a list of names, or options by name', isObject),
      port: option.wholeNumber(0, 65_535),
      host: option.text(/./, 'the name of a host'),
      tls: option.that('a key and a certificate', (value) => isObject(value) && 'key' in value && 'cert' in value),
      accessKeys: option.that('keys by name', isObject),
      checkJwt: option.callback,
      clock: option.object('a Clock', 'now', 'sleep'),
    },
    ['queues'],
  )
  const { queues } = options
  const named: [string, QueueOptions][] = Array.isArray(queues)
    ? queues.map((name) => [name, {}])
    : Object.entries(queues)
  checkOptions(
    { queues: named.map(([name]) => name) },
    { queues: option.that('made of entity names', (names) => Array.isArray(names) && names.every(isEntityName)) },
  )
  return {
    queues: new Map(named.map(([name, each]) => [name, queueSettings(each)])),
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    tls: options.tls,
    accessKeys: options.accessKeys,
    checkJwt: options.checkJwt,
    clock: options.clock ?? systemClock,
  }
}
