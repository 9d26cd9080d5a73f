import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../src/github/event.ts'
import { fitSessionId } from '../src/github/session-id.ts'
import { byEntity, byRepository, byUserInRepository, firstOf, githubSessions } from '../src/github/sessions.ts'

const repository = { name: 'Hello-World', owner: { login: 'Codertocat' } }
const event = (name: string, payload: JsonObject) => ({ name, payload: { repository, ...payload } })
const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

describe('S6: the entity strategy', () => {
  it.each([
    ['pull_request', { pull_request: { number: 2 } }, 'pull_request/2'],
    ['pull_request_review', { pull_request: { number: 2 } }, 'pull_request/2'],
    ['pull_request_review_comment', { pull_request: { number: 2 } }, 'pull_request/2'],
    ['pull_request_review_thread', { pull_request: { number: 2 } }, 'pull_request/2'],
    ['issue_comment', { issue: { number: 7, pull_request: { url: 'u' } } }, 'pull_request/7'],
    ['issue_comment', { issue: { number: 7 } }, 'issue/7'],
    ['issues', { issue: { number: 7 } }, 'issue/7'],
    ['push', { ref: 'refs/heads/main' }, 'branch/main'],
    ['push', { ref: 'refs/heads/feature/a' }, 'branch/feature/a'],
    ['push', { ref: 'refs/tags/v1' }, 'branch/refs/tags/v1'],
    ['create', { ref: 'main', ref_type: 'branch' }, 'branch/main'],
    ['delete', { ref: 'main', ref_type: 'branch' }, 'branch/main'],
    ['create', { ref: 'v1', ref_type: 'tag' }, 'branch/refs/tags/v1'],
    ['star', {}, 'repository/-'],
    ['pull_requests', {}, 'repository/-'],
  ])('gives %s %j the session of %s', (name, payload, entity) => {
    expect(byEntity(event(name, payload))).toBe(`codertocat/hello-world/${entity}`)
  })

  it('gives an event of an organisation no session', () => {
    expect(githubSessions({ name: 'membership', payload: { organization: { login: 'octo-org' } } })).toBeUndefined()
  })

  it('does not mix up a branch and a tag of one name, nor a branch that is named like a ref', () => {
    const refs = ['refs/heads/v1', 'refs/tags/v1', 'refs/heads/refs/tags/v1', 'refs/heads/refs/heads/v1']
    expect(new Set(refs.map((ref) => byEntity(event('push', { ref })))).size).toBe(refs.length)
  })

  it('takes a name in either case for the same repository', () => {
    const shouted = { repository: { name: 'HELLO-WORLD', owner: { login: 'CODERTOCAT' } }, issue: { number: 7 } }
    expect(byEntity({ name: 'issues', payload: shouted })).toBe(byEntity(event('issues', { issue: { number: 7 } })))
  })
})

describe('S7: the other strategies and the chain', () => {
  it('keeps order per repository, or per user in one', () => {
    expect(byRepository(event('star', {}))).toBe('codertocat/hello-world')
    expect(byUserInRepository(event('star', { sender: { login: 'Octocat' } }))).toBe(
      'codertocat/hello-world/user/octocat',
    )
    expect(byUserInRepository(event('star', {}))).toBeUndefined()
  })

  it.each([
    [event('issues', { issue: { number: 7 } }), 'codertocat/hello-world/issue/7'],
    [event('issues', { issue: { number: '7' } }), 'codertocat/hello-world'],
    [event('issues', { issue: { number: -1 } }), 'codertocat/hello-world'],
    [event('issues', { issue: null }), 'codertocat/hello-world'],
    [event('push', { ref: '\ud800' }), 'codertocat/hello-world'],
    [{ name: 'issues', payload: { repository: { name: 'x', owner: { login: 7 } }, issue: { number: 7 } } }, undefined],
    [{ name: 'issues', payload: { repository: 'x', issue: { number: 7 } } }, undefined],
    [{ name: 'issues', payload: {} }, undefined],
  ])('falls back from the entity to the repository to none: %j', (given, sessionId) => {
    expect(githubSessions(given)).toBe(sessionId)
  })

  it('asks the strategies in order', () => {
    const strategy = firstOf(
      () => undefined,
      () => 'second',
      () => 'third',
    )
    expect(strategy(event('star', {}))).toBe('second')
  })
})

describe('S8: session ids fit every broker', () => {
  const longest = { name: 'r'.repeat(100), owner: { login: 'o'.repeat(39) } }

  it('hashes the longest names that GitHub allows, and keeps a prefix to read', () => {
    const ref = `refs/heads/${'b'.repeat(255)}`
    const full = `${'o'.repeat(39)}/${'r'.repeat(100)}/branch/${'b'.repeat(255)}`
    const sessionId = byEntity({ name: 'push', payload: { repository: longest, ref } })
    expect(sessionId).toBe(`${full.slice(0, 95)}~${sha(full)}`)
    expect(sessionId).toHaveLength(128)
  })

  it('hashes what is not ASCII', () => {
    const full = 'codertocat/hello-world/branch/grün'
    expect(byEntity(event('push', { ref: 'refs/heads/grün' }))).toBe(`codertocat/hello-world/branch/gr_n~${sha(full)}`)
  })

  it('leaves 128 characters alone and hashes 129', () => {
    expect(fitSessionId('x'.repeat(128))).toBe('x'.repeat(128))
    expect(fitSessionId('x'.repeat(129))).toMatch(/^x{95}~[0-9a-f]{32}$/)
  })

  it('is not fooled by a text that is written like a hashed one', () => {
    const hashed = fitSessionId('ü')
    expect(fitSessionId(hashed)).not.toBe(hashed)
  })

  const anyText = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: fc.constantFrom('a', '/', '%', '~', 'ü', '2', 'F'), maxLength: 140 }),
  )

  it('any text becomes 1 to 128 characters of ASCII, the same each time', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(text !== '')
        const sessionId = fitSessionId(text)
        expect(sessionId).toMatch(/^[\x21-\x7e]{1,128}$/)
        expect(fitSessionId(text)).toBe(sessionId)
      }),
    )
  })

  it('distinct texts become distinct session ids, also the one that another became', () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one !== other)
        expect(fitSessionId(one)).not.toBe(fitSessionId(other))
        const prefix = 'p'.repeat(120)
        expect(fitSessionId(prefix + one)).not.toBe(fitSessionId(prefix + other))
        fc.pre(one !== fitSessionId(other))
        expect(fitSessionId(fitSessionId(other))).not.toBe(fitSessionId(one))
      }),
    )
  })

  /** One path, cut in two ways into owner, repository and branch: only where the cuts are tells them apart. */
  const cutTwice = fc
    .array(fc.constantFrom('a', 'branch', '%2F', 'ü'), { minLength: 4, maxLength: 30 })
    .chain((parts) => {
      const cut = fc
        .uniqueArray(fc.integer({ min: 1, max: parts.length - 1 }), { minLength: 2, maxLength: 2 })
        .map((at) => at.toSorted((a, b) => a - b))
        .map(([a, b]) => [parts.slice(0, a), parts.slice(a, b), parts.slice(b)].map((piece) => piece.join('/')))
      return fc.tuple(cut, cut)
    })

  it('does not take a name that is written like an escaped one for the other', () => {
    const inRepository = (name: string) => byRepository({ name: 'star', payload: { repository: { ...longest, name } } })
    expect(new Set(['a/b', 'a%2Fb', 'a%2fb/', 'a%252Fb'].map(inRepository)).size).toBe(4)
  })

  it('owners, repositories and branches never share a session, wherever their slashes are', () => {
    const sessionOf = ([owner, name, ref]: readonly string[]) =>
      byEntity({ name: 'push', payload: { repository: { name, owner: { login: owner } }, ref: `refs/heads/${ref}` } })
    fc.assert(
      fc.property(cutTwice, ([one, other]) => {
        fc.pre(one.join() !== other.join())
        expect(sessionOf(one)).not.toBe(sessionOf(other))
      }),
    )
  })
})
