import type { QueueError } from '@queue-runtime/crypto/provider'
import type { Cluster, Redis } from 'ioredis'
import type { RedisNonceSettings } from './options.ts'
import { checkServer } from './server-check.ts'

/** Tells the log how Redis fares: each outage with its reason, and what is wrong with its configuration. */
export interface Watch {
  /** After a call that was answered. */
  answered(): void
  /** After a call that was not. */
  failed(error: QueueError): void
  close(): void
}

/** What is heard of a connection after which other servers may answer. */
const NEW_SERVERS = ['ready', '+node'] as const

export function createWatch(client: Redis | Cluster, { logger, waitReplicas }: RedisNonceSettings): Watch {
  const told = new Set<string>()
  let isChecked = false
  let reason: string | undefined

  const recheck = (): void => {
    isChecked = false
  }
  for (const event of NEW_SERVERS) client.on(event, recheck)

  const check = async (): Promise<void> => {
    if (isChecked) return
    isChecked = true
    try {
      for (const finding of await checkServer(client, waitReplicas)) {
        if (!told.has(finding)) logger.warn({ nonce_store: 'redis', operation: 'check' }, finding)
        told.add(finding)
      }
    } catch {
      // It looks again at the next call.
      recheck()
    }
  }

  return {
    answered() {
      if (reason !== undefined) logger.info({ nonce_store: 'redis' }, 'Redis answers again')
      reason = undefined
      void check()
    },
    failed({ code, message }) {
      if (message !== reason) logger.warn({ nonce_store: 'redis', error_type: code }, message)
      reason = message
    },
    close() {
      for (const event of NEW_SERVERS) client.off(event, recheck)
    },
  }
}
