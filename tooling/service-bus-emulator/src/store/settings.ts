/** One queue. Defaults are those of a queue made in Azure without any setting. */
export interface QueueSettings {
  /** How long a message or a session is locked for its receiver, in milliseconds. Default 60 000. */
  readonly lockDurationMs: number
  /** After so many failed deliveries a message is dead-lettered. Default 10. */
  readonly maxDeliveryCount: number
  /** The longest time to live, in milliseconds, and that of messages without one. Default: no end. */
  readonly timeToLiveMs: number
  /** Whether a message becomes a dead letter when its time to live is over; otherwise it is dropped. Default false. */
  readonly deadLetterOnExpiration: boolean
  /** Whether every message has a session and is received through it. Default false. */
  readonly requiresSession: boolean
  /** For how long the id of a message is remembered to drop its duplicates, in milliseconds; 0 is off, the default. */
  readonly duplicateDetectionMs: number
  /** The largest message or batch, in bytes on the wire. Default 262 144, as in the Standard tier. */
  readonly maxMessageBytes: number
}

export const DEFAULT_SETTINGS: QueueSettings = {
  lockDurationMs: 60_000,
  maxDeliveryCount: 10,
  timeToLiveMs: Number.POSITIVE_INFINITY,
  deadLetterOnExpiration: false,
  requiresSession: false,
  duplicateDetectionMs: 0,
  maxMessageBytes: 262_144,
}
