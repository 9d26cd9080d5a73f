import { randomUUID } from 'node:crypto'

/** One of the two; a version that rotation has announced has neither. */
export interface Value {
  readonly text?: string | undefined
  /** Base64, as it travels. */
  readonly binary?: string | undefined
}

export interface Version {
  readonly id: string
  readonly createdMs: number
  value: Value
  readonly stages: Set<string>
}

export interface Secret {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  /** Oldest first. */
  readonly versions: Version[]
  readonly tags: Map<string, string>
  isDeleted: boolean
}

/** The secrets of one account in one region. */
export interface Store {
  /** By name or by whole ARN. */
  find(id: string): Secret | undefined
  all(): readonly Secret[]
  /** Adds an empty secret. `createdMs`: default now */
  create(name: string, createdMs?: number): Secret
  /** Adds a version that carries no label yet. `id`: default a new UUID */
  add(secret: Secret, value: Value, options?: { id?: string | undefined; createdMs?: number | undefined }): Version
  /** Moves a staging label, which one version has at a time; AWSPREVIOUS follows AWSCURRENT. */
  stage(secret: Secret, label: string, to: Version | undefined): void
  /** Forgets a secret altogether. */
  purge(name: string): void
}

export const holderOf = ({ versions }: Secret, label: string): Version | undefined =>
  versions.find(({ stages }) => stages.has(label))

/** `nowMs`: the time of the service. */
export function createStore(nowMs: () => number): Store {
  const secrets = new Map<string, Secret>()

  const stage = (secret: Secret, label: string, to: Version | undefined): void => {
    const from = holderOf(secret, label)
    if (from === to) return
    from?.stages.delete(label)
    to?.stages.add(label)
    if (label === 'AWSCURRENT' && from !== undefined) stage(secret, 'AWSPREVIOUS', from)
    if (label === 'AWSCURRENT') to?.stages.delete('AWSPREVIOUS')
  }

  return {
    find: (id) => secrets.get(id) ?? [...secrets.values()].find(({ arn }) => arn === id),
    all: () => [...secrets.values()],
    create(name, createdMs = nowMs()) {
      const arn = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-${randomUUID().slice(0, 6)}`
      const secret: Secret = { name, arn, createdMs, versions: [], tags: new Map(), isDeleted: false }
      secrets.set(name, secret)
      return secret
    },
    add(secret, value, { id = randomUUID(), createdMs = nowMs() } = {}) {
      const version: Version = { id, createdMs, value, stages: new Set() }
      secret.versions.push(version)
      return version
    },
    stage,
    purge: (name) => void secrets.delete(name),
  }
}
