import type { QueueName } from '../github/routes.ts'
import type { Delivery } from './deliveries.ts'

/**
 * Who must get a delivery, by the rule as it was asked for and without the router's table: if the table is wrong, the demo
 * shows it.
 */
export function expectedQueue({ event, body }: Delivery): QueueName | undefined {
  const isOnPullRequest = () => Boolean((JSON.parse(body) as { issue?: { pull_request?: object } }).issue?.pull_request)
  if (event === 'push') return 'spec-sentinel'
  if (event === 'issues') return 'merge-warden'
  if (event === 'issue_comment') return isOnPullRequest() ? 'task-tactician' : 'merge-warden'
  return event === 'pull_request' || event.startsWith('pull_request_') ? 'task-tactician' : undefined
}
