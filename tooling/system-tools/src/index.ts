export { type KindName, kindNames } from './kinds.ts'
export { chromium, promtool, type RedisTools, redisTools, type Tool, whyMissing } from './tools.ts'
