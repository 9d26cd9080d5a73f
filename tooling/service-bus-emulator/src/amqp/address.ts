export interface QueueAddress {
  readonly kind: 'queue' | 'management'
  readonly queue: string
  readonly isDeadLetters: boolean
  /** The queue, or its dead letters: the address without the management node. */
  readonly path: string
}

/** What the address of a link names. */
export type Address = QueueAddress | { readonly kind: 'cbs' } | { readonly kind: 'unknown' }

const PATTERN = /^([^$]+?)(\/\$deadletterqueue)?(\/\$management)?$/i

/** Reads `name`, `name/$DeadLetterQueue`, either with `/$management` behind it, and `$cbs`. */
export function parseAddress(address: unknown): Address {
  if (typeof address !== 'string') return { kind: 'unknown' }
  const trimmed = address.replace(/^\/+|\/+$/g, '')
  if (trimmed === '$cbs') return { kind: 'cbs' }
  const [, queue, deadLetters, management] = PATTERN.exec(trimmed) ?? []
  if (queue === undefined) return { kind: 'unknown' }
  const isDeadLetters = deadLetters !== undefined
  return {
    kind: management === undefined ? 'queue' : 'management',
    queue,
    isDeadLetters,
    path: isDeadLetters ? `${queue}/$DeadLetterQueue` : queue,
  }
}
