import { QueueError } from '@queue-runtime/core'
import { isAttributeName } from '@queue-runtime/core/provider'

/** Names the authenticated attributes of a message, ascending and joined by commas (protocol.md 2). */
const LIST = 'qr-auth-attrs'

type Attributes = Readonly<Record<string, string>>

const pick = (attributes: Attributes, names: readonly string[]): Attributes =>
  Object.fromEntries(names.map((name) => [name, attributes[name] ?? '']))

/** Returns those of `names` that are on the message, and the attributes with the list that names them. */
export function listAuthenticated(
  attributes: Attributes,
  names: readonly string[],
): { authenticated: Attributes; carried: Attributes } {
  const present = names.filter((name) => Object.hasOwn(attributes, name)).sort()
  if (present.length === 0) return { authenticated: {}, carried: attributes }
  return { authenticated: pick(attributes, present), carried: { ...attributes, [LIST]: present.join(',') } }
}

/**
 * Returns the attributes that the message's own list names; what they are worth, only the tag tells.
 * @throws AuthenticationFailed: no sender writes such a list
 */
export function readAuthenticated(attributes: Attributes): Attributes {
  const list: unknown = attributes[LIST]
  if (list === undefined) return {}
  const names = typeof list === 'string' ? list.split(',') : ['']
  const isAscending = names.every((name, index) => index === 0 || name > (names[index - 1] ?? ''))
  const isKnown = names.every((name) => isAttributeName(name) && Object.hasOwn(attributes, name))
  if (!isAscending || !isKnown) throw new QueueError('AuthenticationFailed', 'The message is not authentic.')
  return pick(attributes, names)
}
