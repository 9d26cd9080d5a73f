export { lateMeter, type QueueMeter } from './meter.ts'
export { type ClientMetrics, clientMetrics } from './metrics.ts'
