import type { Clock } from '@queue-runtime/core'
import type { Access } from '../access.ts'
import type { Faults } from '../faults.ts'
import type { Namespace } from '../namespace.ts'

/** What the links of a server work with. */
export interface ServerContext {
  readonly clock: Clock
  readonly namespace: Namespace
  readonly faults: Faults
  readonly access: Access
}
