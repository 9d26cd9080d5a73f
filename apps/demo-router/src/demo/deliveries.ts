import { createRequire } from 'node:module'
import { isJsonObject } from '../github/event.ts'

/** One webhook delivery of GitHub, as it is posted. */
export interface Delivery {
  readonly event: string
  readonly body: string
}

const require = createRequire(import.meta.url)

/** Returns every delivery of `@octokit/webhooks-examples`: what GitHub really sent, by the contributors of that package. */
export function realDeliveries(): Delivery[] {
  const definitions: unknown = require('@octokit/webhooks-examples')
  if (!Array.isArray(definitions)) throw new Error('@octokit/webhooks-examples has another form than expected.')
  return definitions.flatMap(({ name, examples }: { name: string; examples: unknown[] }) =>
    examples.filter(isJsonObject).map((example) => ({ event: name, body: JSON.stringify(example) })),
  )
}
