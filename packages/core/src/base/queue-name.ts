import { invalid } from './check.ts'

/** Service Bus allows the longest paths; shorter limits are the provider's (Service Bus quotas: 260 characters). */
const MAX_LENGTH = 260

/**
 * Checks a logical queue name: 1–260 characters of `[A-Za-z0-9_-]`, no hyphen at either end, no two in a row.
 *
 * @throws Validation with field `queue`
 * @example
 * checkQueueName('orders-eu')
 */
export function checkQueueName(queue: string): void {
  if (typeof queue !== 'string') throw invalid('queue', 'required', 'must be a string.')
  if (queue.length < 1 || queue.length > MAX_LENGTH) {
    throw invalid('queue', 'out-of-range', `must have 1 to ${MAX_LENGTH} characters.`)
  }
  if (!/^[A-Za-z0-9_-]+$/.test(queue) || queue.startsWith('-') || queue.endsWith('-') || queue.includes('--')) {
    throw invalid('queue', 'invalid-format', 'takes letters, digits, _ and single hyphens, none at either end.')
  }
}
