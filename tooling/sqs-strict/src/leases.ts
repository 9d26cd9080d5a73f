import type { Refusal } from './answer.ts'

/** The right that one receive gave to one message. */
interface Lease {
  readonly messageId: string
  readonly isFifo: boolean
  readonly since: number
  until: number
  isDeleted: boolean
}

/** SQS: VisibilityTimeout, in milliseconds, from the receive on. */
const MAX_LEASE_MS = 43_200_000

/** `forward`: the handle under which fauxqs is to be asked; none where nothing is to be done. */
export type Judgement = { readonly refusal: Refusal } | { readonly forward: string | undefined }

const BOGUS: Refusal = { code: 'ReceiptHandleIsInvalid', message: 'The input receipt handle is invalid.' }
const EXPIRED: Refusal = {
  code: 'InvalidParameterValue',
  message: 'Value for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.',
}
const GONE: Refusal = {
  code: 'InvalidParameterValue',
  message:
    'Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.',
}
const NOT_IN_FLIGHT: Refusal = { code: 'MessageNotInflight', message: 'The specified message is not in flight.' }
const TOO_LONG: Refusal = {
  code: 'InvalidParameterValue',
  message: 'Total VisibilityTimeout for the message is beyond the limit [43200 seconds].',
}
const OUT_OF_RANGE: Refusal = {
  code: 'InvalidParameterValue',
  message: 'VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.',
}

/** Who holds what, and until when: what fauxqs does not look at when it is asked to delete or to extend. */
export interface Leases {
  grant(handle: string, messageId: string, isFifo: boolean, seconds: number): void
  delete(handle: string): Judgement
  change(handle: string, seconds: unknown): Judgement
}

/**
 * `lateDeletes`: what a standard queue does with the handle of a former holder while somebody else has the message. The
 * documentation says that the call succeeds and deletes nothing; `honoured` is the broker to be on guard against.
 */
export function createLeases(lateDeletes: () => 'ignored' | 'honoured'): Leases {
  const leases = new Map<string, Lease>()
  const newest = new Map<string, string>()

  const isLive = (handle: string, { messageId, until }: Lease): boolean =>
    Date.now() < until && newest.get(messageId) === handle

  return {
    grant(handle, messageId, isFifo, seconds) {
      const now = Date.now()
      leases.set(handle, { messageId, isFifo, since: now, until: now + seconds * 1_000, isDeleted: false })
      newest.set(messageId, handle)
    },
    delete(handle) {
      const lease = leases.get(handle)
      if (lease === undefined) return { refusal: BOGUS }
      if (lease.isDeleted) return { forward: undefined }
      const latest = newest.get(lease.messageId)
      if (!isLive(handle, lease) && lease.isFifo) return { refusal: EXPIRED }
      if (latest !== handle && lateDeletes() === 'ignored') return { forward: undefined }
      lease.isDeleted = true
      return { forward: latest }
    },
    change(handle, seconds) {
      const lease = leases.get(handle)
      if (lease === undefined) return { refusal: BOGUS }
      if (lease.isDeleted) return { refusal: GONE }
      if (!isLive(handle, lease)) return { refusal: NOT_IN_FLIGHT }
      if (typeof seconds !== 'number' || seconds < 0 || seconds > MAX_LEASE_MS / 1_000) return { refusal: OUT_OF_RANGE }
      const until = Date.now() + seconds * 1_000
      if (until - lease.since > MAX_LEASE_MS) return { refusal: TOO_LONG }
      lease.until = until
      return { forward: handle }
    },
  }
}
