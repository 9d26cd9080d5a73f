import { describe, expect, it } from 'vitest'
import { queueOf, ROUTES } from '../src/github/routes.ts'

describe('DR2: events go to queues by table', () => {
  it.each([
    ['pull_request', {}, 'task-tactician'],
    ['pull_request_review', {}, 'task-tactician'],
    ['pull_request_review_comment', {}, 'task-tactician'],
    ['pull_request_review_thread', {}, 'task-tactician'],
    ['issue_comment', { issue: { pull_request: { url: 'u' } } }, 'task-tactician'],
    ['issue_comment', { issue: { number: 7 } }, 'merge-warden'],
    ['issue_comment', {}, 'merge-warden'],
    ['issue_comment', { issue: { pull_request: null } }, 'merge-warden'],
    ['issues', {}, 'merge-warden'],
    ['push', {}, 'spec-sentinel'],
    ['star', {}, undefined],
    ['pull_requests', {}, undefined],
    ['push, issues', {}, undefined],
    ['Push', {}, undefined],
    ['__proto__', {}, undefined],
  ])('%s %j goes to %s', (name, payload, queue) => {
    expect(queueOf(ROUTES, { name, payload })).toBe(queue)
  })
})
