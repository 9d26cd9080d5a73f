import { memoryNonceStore } from '@queue-runtime/crypto'
import type { Variables } from '../config/variables.ts'
import { asVariable } from './as-variable.ts'
import type { NoncePlan } from './plan.ts'

/** It knows the replays that this process saw: enough for one bot process per queue that is never restarted. */
const memory = (): NoncePlan => ({
  open: async ({ clock }) => ({ store: memoryNonceStore({ clock }), async close() {} }),
})

const redis = (variables: Variables): NoncePlan => {
  const url = variables.require('REDIS_URL', 'NONCE_STORE=redis')
  return {
    async open({ logger }) {
      const { redisNonceStore } = await import('@queue-runtime/nonce-store-redis')
      const store = asVariable({ url: 'REDIS_URL' }, () => redisNonceStore({ url, logger }))
      return { store, close: () => store.close() }
    },
  }
}

/** Checks the variables of a nonce store, and returns how it is opened. */
export const NONCE_STORES: Readonly<Record<string, (variables: Variables) => NoncePlan>> = { memory, redis }
