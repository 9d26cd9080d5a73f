import type { DefaultAzureCredential } from '@azure/identity'

/** Resolves with the identity of this process in Azure: a managed identity where there is one. */
export async function azureCredential(): Promise<DefaultAzureCredential> {
  const { DefaultAzureCredential: Credential } = await import('@azure/identity')
  return new Credential()
}
