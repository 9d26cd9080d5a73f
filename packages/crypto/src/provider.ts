/** What a store of keys or nonces needs beside the contracts, so that it imports this package and nothing else of ours. */
export { type CallOptions, type Clock, isQueueError, type Logger, type Options, QueueError } from '@queue-runtime/core'
export {
  abortable,
  checkOptions,
  errorClass,
  invalid,
  misconfigured,
  option,
  resolveLogger,
  systemClock,
} from '@queue-runtime/core/provider'
export { isKeyId } from './key-id.ts'
export {
  type KeyLayout,
  type KeyRotation,
  keyRotation,
  type PromotedKey,
  type PromoteKeyOptions,
  type RetiredKey,
  type RetireKeyOptions,
} from './key-rotation.ts'
export { decodeKeyText, isKeyText } from './key-text.ts'
export { RETAIN_AFTER_LEASE_MS } from './nonce-table.ts'
