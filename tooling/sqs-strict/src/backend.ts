import { buildApp } from 'fauxqs'
import { type Answer, type Json, textOf } from './answer.ts'
import { handOutWholeGroups } from './fifo-groups.ts'

/** Actions are asked of this region by everybody, whatever their client is configured for. */
const REGION = 'us-east-1'

/** fauxqs without its network: one call in, one answer out. */
export interface Backend {
  call(action: string, body: Json): Promise<Answer>
  close(): Promise<void>
}

export async function startBackend(): Promise<Backend> {
  await handOutWholeGroups()
  const app = buildApp({ logger: false, defaultRegion: REGION })
  return {
    async call(action, body) {
      const reply = await app.inject({
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
        payload: JSON.stringify(body),
      })
      const error = reply.headers['x-amzn-query-error']
      return {
        status: reply.statusCode,
        headers: error === undefined ? {} : { 'x-amzn-query-error': textOf(error) },
        body: reply.json(),
      }
    },
    close: () => app.close(),
  }
}
