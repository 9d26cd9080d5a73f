export type { SqsProviderOptions } from './options.ts'
export { type SqsProvider, sqsProvider } from './provider.ts'
export type { SqsQueueOptions } from './queue-names.ts'
