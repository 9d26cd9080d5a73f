/** A JSON object of which nothing is known but that it is one. */
export type JsonObject = { readonly [name: string]: unknown }

/** One delivery of GitHub, its signature checked. What the payload holds is still only claimed: each reader looks for itself. */
export interface WebhookEvent {
  /** The value of `X-GitHub-Event`, such as `pull_request`. */
  readonly name: string
  readonly payload: JsonObject
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const valueAt = (payload: JsonObject, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, name) => (isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), payload)

/** The text at a path; undefined for anything that is not well-formed text with at least one character. */
export function textAt(payload: JsonObject, ...path: readonly string[]): string | undefined {
  const value = valueAt(payload, path)
  return typeof value === 'string' && value !== '' && value.isWellFormed() ? value : undefined
}

/** The number of an issue or a pull request at a path. */
export function numberAt(payload: JsonObject, ...path: readonly string[]): number | undefined {
  const value = valueAt(payload, path)
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

/** True for an `issue_comment` that was written on a pull request: to GitHub each of those is an issue as well. */
export const isOnPullRequest = ({ payload }: WebhookEvent): boolean =>
  isJsonObject(valueAt(payload, ['issue', 'pull_request']))

/** A row of a table over events: it fits by name, and where that does not tell, by what the payload says. */
export interface EventRule {
  readonly events: RegExp
  readonly when?: (event: WebhookEvent) => boolean
}

/** Returns the first row that fits. */
export const ruleFor = <R extends EventRule>(rules: readonly R[], event: WebhookEvent): R | undefined =>
  rules.find(({ events, when }) => events.test(event.name) && (when?.(event) ?? true))
