import {
  type EventRule,
  isOnPullRequest,
  type JsonObject,
  numberAt,
  ruleFor,
  textAt,
  type WebhookEvent,
} from './event.ts'
import { fitSessionId } from './session-id.ts'

/** Says which messages are kept in order: those with the same session id. Undefined: no order. */
export type SessionStrategy = (event: WebhookEvent) => string | undefined

/** A slash inside a name would move the border between the parts of a session id. No lower-cased name holds `%2F` itself. */
const escapeName = (name: string): string => name.toLowerCase().replaceAll('/', '%2F')

/** `owner/repo`, lower-cased since GitHub's names are the same in either case. */
const repositoryOf = (payload: JsonObject): string | undefined => {
  const owner = textAt(payload, 'repository', 'owner', 'login') ?? textAt(payload, 'repository', 'owner', 'name')
  const name = textAt(payload, 'repository', 'name')
  return owner === undefined || name === undefined ? undefined : `${escapeName(owner)}/${escapeName(name)}`
}

const HEADS = 'refs/heads/'

/**
 * The branch of a full ref, `refs/heads/main` → `main`. All else keeps its full name, so that the tag v1 is not the branch
 * v1; so does a branch whose own name begins like a full ref.
 */
const shortRef = (ref: string): string => {
  const branch = ref.startsWith(HEADS) ? ref.slice(HEADS.length) : ref
  return branch.startsWith('refs/') ? ref : branch
}

const pushedRef = ({ payload }: WebhookEvent): string | undefined => {
  const ref = textAt(payload, 'ref')
  return ref === undefined ? undefined : shortRef(ref)
}

/** `create` and `delete` name the ref without its folder, and its kind beside it. */
const madeRef = ({ payload }: WebhookEvent): string | undefined => {
  const ref = textAt(payload, 'ref')
  if (ref === undefined) return undefined
  return shortRef(`refs/${textAt(payload, 'ref_type') === 'tag' ? 'tags' : 'heads'}/${ref}`)
}

const issueNumber = ({ payload }: WebhookEvent): number | undefined => numberAt(payload, 'issue', 'number')
const pullRequestNumber = ({ payload }: WebhookEvent): number | undefined => numberAt(payload, 'pull_request', 'number')

interface EntityRule extends EventRule {
  readonly kind: string
  readonly id: (event: WebhookEvent) => string | number | undefined
}

/** What an event is about; the first rule that fits. */
const ENTITIES: readonly EntityRule[] = [
  { events: /^pull_request(_|$)/, kind: 'pull_request', id: pullRequestNumber },
  { events: /^issue_comment$/, when: isOnPullRequest, kind: 'pull_request', id: issueNumber },
  { events: /^(issues|issue_comment)$/, kind: 'issue', id: issueNumber },
  { events: /^push$/, kind: 'branch', id: pushedRef },
  { events: /^(create|delete)$/, kind: 'branch', id: madeRef },
  { events: /^/, kind: 'repository', id: () => '-' },
]

/** Keeps order per pull request, issue or branch: `owner/repo/pull_request/7`. Undefined for an event of no repository. */
export const byEntity: SessionStrategy = (event) => {
  const repository = repositoryOf(event.payload)
  const rule = ruleFor(ENTITIES, event)
  const id = rule?.id(event)
  return repository === undefined || rule === undefined || id === undefined
    ? undefined
    : fitSessionId(`${repository}/${rule.kind}/${id}`)
}

/** Keeps order per repository: `owner/repo`. */
export const byRepository: SessionStrategy = ({ payload }) => {
  const repository = repositoryOf(payload)
  return repository === undefined ? undefined : fitSessionId(repository)
}

/** Keeps order per user within a repository: `owner/repo/user/login`. */
export const byUserInRepository: SessionStrategy = ({ payload }) => {
  const repository = repositoryOf(payload)
  const user = textAt(payload, 'sender', 'login')
  return repository === undefined || user === undefined
    ? undefined
    : fitSessionId(`${repository}/user/${escapeName(user)}`)
}

/** The first of the strategies that has an answer. */
export const firstOf =
  (...strategies: readonly SessionStrategy[]): SessionStrategy =>
  (event) => {
    for (const strategy of strategies) {
      const sessionId = strategy(event)
      if (sessionId !== undefined) return sessionId
    }
    return undefined
  }

/** What the router uses: per entity; per repository where the payload does not name one; else no order. */
export const githubSessions: SessionStrategy = firstOf(byEntity, byRepository)
