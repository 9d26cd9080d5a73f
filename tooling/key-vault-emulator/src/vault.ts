import { randomBytes } from 'node:crypto'

/** Moments in whole seconds since 1970, as the service counts. */
export interface Attributes {
  readonly enabled?: boolean | undefined
  readonly created?: number | undefined
  readonly nbf?: number | undefined
  readonly exp?: number | undefined
}

export interface Version {
  readonly version: string
  readonly value: string
  readonly contentType: string | undefined
  readonly created: number
  enabled: boolean
  updated: number
  nbf: number | undefined
  exp: number | undefined
  tags: Readonly<Record<string, string>>
}

export interface Secret {
  /** As it was written when it was made: names are compared without regard to case. */
  readonly name: string
  /** Oldest first. */
  readonly versions: Version[]
  isDeleted: boolean
}

interface NewVersion {
  /** Default: a new one. */
  readonly version?: string
  readonly value: string
  readonly contentType?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly attributes?: Attributes | undefined
}

interface Change {
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly attributes: Attributes
}

/** The secrets of one vault. */
export interface Vault {
  /** Undefined where there is none; one that was deleted is there, and says so. */
  find(name: string): Secret | undefined
  all(): readonly Secret[]
  /** Adds a version, and the secret where it is not there. */
  put(name: string, version: NewVersion): { secret: Secret; version: Version }
  /** What is left out stays as it is; tags change as a whole. */
  change(version: Version, change: Change): void
  /** Forgets a secret altogether. */
  purge(name: string): void
}

/** `nowMs`: the time of the service. */
export function createVault(nowMs: () => number): Vault {
  const secrets = new Map<string, Secret>()
  const seconds = (): number => Math.floor(nowMs() / 1_000)
  const find = (name: string): Secret | undefined => secrets.get(name.toLowerCase())

  return {
    find,
    all: () => [...secrets.values()],
    put(name, { version: id = randomBytes(16).toString('hex'), value, contentType, tags = {}, attributes = {} }) {
      const secret = find(name) ?? { name, versions: [], isDeleted: false }
      secrets.set(name.toLowerCase(), secret)
      const { enabled = true, created = seconds(), nbf, exp } = attributes
      const version: Version = {
        ...{ version: id, value, contentType, created, enabled, updated: created, nbf, exp, tags },
      }
      secret.versions.push(version)
      return { secret, version }
    },
    change(version, { tags = version.tags, attributes }) {
      const { enabled = version.enabled, nbf = version.nbf, exp = version.exp } = attributes
      Object.assign(version, { tags, enabled, nbf, exp, updated: seconds() })
    },
    purge: (name) => void secrets.delete(name.toLowerCase()),
  }
}
