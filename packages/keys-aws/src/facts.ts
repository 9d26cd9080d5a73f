// Secrets Manager knows no dates of validity and no switch: a tag of the secret says them, in words that tags may hold.

/** What is known of a key beside its value. */
export interface KeyFacts {
  readonly isEnabled: boolean
  readonly notBefore: Date | undefined
  readonly expiresAt: Date | undefined
}

/** The tag of a secret that is one key. */
export const FACTS_TAG = 'queue-runtime'

/** The tag of a secret for one of its versions. */
export const versionTag = (version: string): string => `${FACTS_TAG}:${version}`

const WORD = /^(enabled|not-before|expires)=(\S+)$/

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text))

const isWrong = (date: Date | undefined): boolean => date !== undefined && Number.isNaN(date.getTime())

/**
 * Reads `enabled=false not-before=2026-11-01T00:00:00Z expires=2027-02-01T00:00:00Z`, each of which may be left out. Null where
 * it says anything else: what somebody meant to say of a key must not be passed over.
 */
export function parseFacts(tag: string | undefined): KeyFacts | null {
  const words = (tag ?? '').split(' ').filter((word) => word !== '')
  const pairs = words.map((word) => WORD.exec(word))
  if (pairs.includes(null)) return null
  const { enabled = 'true', ...dates } = Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]]))
  const [notBefore, expiresAt] = [dateOf(dates['not-before']), dateOf(dates.expires)]
  if ((enabled !== 'true' && enabled !== 'false') || isWrong(notBefore) || isWrong(expiresAt)) return null
  if (notBefore && expiresAt && expiresAt <= notBefore) return null
  return { isEnabled: enabled === 'true', notBefore, expiresAt }
}

/** The text of the tag; empty where there is nothing to say. */
export function formatFacts({ isEnabled = true, notBefore, expiresAt }: Partial<KeyFacts>): string {
  const words = [
    isEnabled ? '' : 'enabled=false',
    notBefore === undefined ? '' : `not-before=${notBefore.toISOString()}`,
    expiresAt === undefined ? '' : `expires=${expiresAt.toISOString()}`,
  ]
  return words.filter((word) => word !== '').join(' ')
}
