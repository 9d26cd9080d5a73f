export type { RedisCluster, RedisNonceOptions } from './options.ts'
export { type RedisNonceStore, redisNonceStore } from './store.ts'
