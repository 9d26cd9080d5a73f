export { type RedisCluster, startRedisCluster } from './cluster.ts'
export { type RedisSentinel, startSentinel } from './sentinel.ts'
export { type RedisConfig, type RedisServer, startRedis, startReplica } from './server.ts'
