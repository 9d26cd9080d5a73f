import type { Options } from '@queue-runtime/core'
import { checkOptions, invalid, misconfigured, type OptionChecks, option } from '@queue-runtime/core/provider'
import { MAX_NAME_LENGTH } from './limits.ts'

/**
 * What a queue is called at SQS. A name or URL that ends in `.fifo` is a FIFO queue.
 *
 * - `name`: default the logical name
 * - `url`: instead of a name; then nobody needs the permission sqs:GetQueueUrl
 * - `deadLetter`: name or URL of its dead-letter queue; `false`: none. Default what the redrive policy of the queue says, which
 *   takes the permission sqs:GetQueueAttributes
 */
export interface SqsQueueOptions extends Options<{ name: string; url: string; deadLetter: string | false }> {}

/** One queue at SQS. */
export interface Address {
  readonly name: string
  readonly url: string | undefined
  /** The account that owns it, where it is another one. */
  readonly owner: string | undefined
  readonly isFifo: boolean
}

/** The queue that a logical name stands for. `deadLetter`: undefined: its redrive policy says. */
export interface QueueTarget extends Address {
  readonly deadLetter: Address | false | undefined
}

const NAME = /^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/
const isName = (value: unknown): boolean => typeof value === 'string' && NAME.test(value)

/** A queue URL may be what requests are sent to: in the clear only on this machine. */
export const isSafeUrl = (text: string): boolean => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  const isLoopback = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)
}
const nameIn = (url: string): string => new URL(url).pathname.split('/').at(-1) ?? ''
const isUrl = (value: unknown): boolean => typeof value === 'string' && isSafeUrl(value) && isName(nameIn(value))

const address = (name: string, owner?: string): Address => ({
  name,
  url: undefined,
  owner,
  isFifo: name.endsWith('.fifo'),
})
const addressOf = (text: string): Address => (isUrl(text) ? { ...address(nameIn(text)), url: text } : address(text))

/** The queue that an ARN names: `arn:aws:sqs:region:account:name`. */
export function addressOfArn(arn: string): Address | undefined {
  const [, , service, , owner, name] = arn.split(':')
  return service === 'sqs' && name !== undefined && isName(name) ? address(name, owner) : undefined
}

const checkQueue = (field: string, given: SqsQueueOptions): void => {
  const checks: OptionChecks<SqsQueueOptions> = {
    name: option.that('a name of at most 80 letters, digits, _ and -, with .fifo at the end of FIFO queues', isName),
    url: option.that('an https URL that ends in the name of the queue; http only on this machine', isUrl),
    deadLetter: option.that(
      'false, or the name or URL of a queue',
      (value) => value === false || isName(value) || isUrl(value),
    ),
  }
  checkOptions(given, checks, [], field)
  if (given.name !== undefined && given.url !== undefined) throw misconfigured(`${field}.url`, 'excludes name.')
  const { deadLetter, url, name } = given
  if (!deadLetter || (url ?? name) === undefined) return
  const isFifo = addressOf(url ?? name ?? '').isFifo
  // SQS: "The dead-letter queue of a FIFO queue must also be a FIFO queue", and the same for standard ones.
  if (addressOf(deadLetter).isFifo !== isFifo) {
    throw misconfigured(`${field}.deadLetter`, `must be ${isFifo ? 'FIFO' : 'standard'}, as the queue is.`)
  }
}

/** @throws Configuration with the name of the option */
export function checkQueues(queues: Readonly<Record<string, SqsQueueOptions>>): void {
  if (typeof queues !== 'object' || queues === null) throw misconfigured('queues', 'must be an object.')
  for (const [queue, given] of Object.entries(queues)) checkQueue(`queues.${queue}`, given)
}

/**
 * Returns what a logical name stands for.
 * @throws Validation: without an entry in `queues` the name is the one at SQS, and too long for that
 */
export function targetOf(queue: string, queues: Readonly<Record<string, SqsQueueOptions>>): QueueTarget {
  const given = Object.hasOwn(queues, queue) ? (queues[queue] ?? {}) : {}
  const { url, name = queue, deadLetter } = given
  if (url === undefined && name.length > MAX_NAME_LENGTH) {
    throw invalid(
      'queue',
      'out-of-range',
      `must have at most ${MAX_NAME_LENGTH} characters at SQS, or an entry in queues.`,
    )
  }
  return {
    ...addressOf(url ?? name),
    deadLetter: deadLetter === undefined || deadLetter === false ? deadLetter : addressOf(deadLetter),
  }
}
