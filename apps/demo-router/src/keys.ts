import type { QueueClientOptions } from '@queue-runtime/core'

export type Protection = NonNullable<QueueClientOptions['crypto']>
