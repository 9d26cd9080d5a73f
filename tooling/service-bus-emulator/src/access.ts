import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '@queue-runtime/core'

export type Right = 'Send' | 'Listen' | 'Manage'

/** A shared access key of the namespace. Without `rights` it has all. */
export interface AccessKey {
  readonly key: string
  readonly rights?: readonly Right[]
}

/** Returns what a bearer of the token may do, or null where the token is refused. */
export type JwtCheck = (token: string) => readonly Right[] | null

export interface Access {
  /** What a token for `audience` allows; null where it is refused. */
  check(type: string, token: string, audience: string): readonly Right[] | null
}

export interface AccessOptions {
  readonly accessKeys: Readonly<Record<string, AccessKey>> | undefined
  readonly checkJwt: JwtCheck | undefined
  readonly clock: Clock
}

const ALL: readonly Right[] = ['Send', 'Listen', 'Manage']

const isSameSignature = (actual: string, expected: Buffer): boolean => {
  const bytes = Buffer.from(actual, 'base64')
  return bytes.length === expected.length && timingSafeEqual(bytes, expected)
}

/** Without keys or a check anything passes, as one wants it for development. */
export function createAccess({ accessKeys, checkJwt, clock }: AccessOptions): Access {
  /** Form: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas */
  const checkSas = (token: string, audience: string): readonly Right[] | null => {
    if (accessKeys === undefined) return ALL
    const fields = new URLSearchParams(token.replace(/^SharedAccessSignature /, ''))
    const [resource, signature, expiry, name] = ['sr', 'sig', 'se', 'skn'].map((field) => fields.get(field) ?? '')
    if (resource === undefined || signature === undefined || expiry === undefined || name === undefined) return null
    const known = Object.hasOwn(accessKeys, name) ? accessKeys[name] : undefined
    if (known === undefined || !(Number(expiry) * 1000 > clock.now())) return null
    if (!audience.toLowerCase().startsWith(resource.toLowerCase())) return null
    const signed = `${encodeURIComponent(resource)}\n${expiry}`
    return isSameSignature(signature, createHmac('sha256', known.key).update(signed).digest())
      ? (known.rights ?? ALL)
      : null
  }

  return {
    check(type, token, audience) {
      if (type === 'jwt') return checkJwt === undefined ? ALL : checkJwt(token)
      return type === 'servicebus.windows.net:sastoken' ? checkSas(token, audience) : null
    },
  }
}
