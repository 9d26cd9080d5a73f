export type { AzureProviderOptions } from './options.ts'
export { type AzureProvider, azureProvider } from './provider.ts'
export type { AzureQueueOptions } from './queue-names.ts'
