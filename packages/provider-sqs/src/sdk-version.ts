import type { SQSClient } from '@aws-sdk/client-sqs'
import { misconfigured } from '@queue-runtime/core/provider'

/** The oldest release of version 3 that this package is tested with; the peer dependency says the same. */
const OLDEST_MINOR = 901

/**
 * Checks which SDK a client is made of: package managers only warn about peer dependencies, and a bundle may hold any.
 * @throws Configuration with field `client`
 */
export async function checkSdk(client: SQSClient): Promise<void> {
  // The SDK tells its version to SQS; where it tells none, nothing is known against it.
  const agent = (await client.config?.defaultUserAgentProvider?.()) ?? []
  const version = agent.find(([name]) => name === 'aws-sdk-js')?.[1]
  if (version === undefined) return
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? []
  if (major === '3' && Number(minor) >= OLDEST_MINOR) return
  throw misconfigured('client', `needs @aws-sdk/client-sqs 3, from 3.${OLDEST_MINOR} on, and found ${version}.`)
}
