// The process that loads: posts deliveries that GitHub really sent, signed, as fast as they are answered.
import { createHmac, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { realDeliveries } from '../../src/demo/deliveries.ts'
import { expectedQueue } from '../../src/demo/expected.ts'
import type { Orders, SourceReport } from './messages.ts'

const SHARES = [0.5, 0.95, 0.99, 0.999, 1]

const load = async ({ url, secret, seconds, connections }: Orders): Promise<SourceReport> => {
  const deliveries = realDeliveries()
    .filter((delivery) => expectedQueue(delivery) !== undefined)
    .map(({ event, body }) => {
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
      return { event, body: Buffer.from(body), signature }
    })
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const taken: string[] = []
  const answers: Record<string, number> = {}
  const latencies: number[] = []

  const post = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const delivery = deliveries[index % deliveries.length]
      if (delivery === undefined) throw new Error('There are no deliveries.')
      const { event, body, signature } = delivery
      const deliveryId = randomUUID()
      const begun = performance.now()
      const end = (status: number): void => {
        answers[status] = (answers[status] ?? 0) + 1
        latencies.push(performance.now() - begun)
        resolve()
      }
      const headers = {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'GitHub-Hookshot/load',
        'x-github-event': event,
        'x-github-delivery': deliveryId,
        'x-hub-signature-256': signature,
      }
      const asked = request(url, { method: 'POST', agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => {
          if (text.includes('"status":"sent"')) taken.push(deliveryId)
          end(response.statusCode ?? 0)
        })
      })
      asked.on('error', () => end(0))
      asked.end(body)
    })

  const begun = performance.now()
  let next = 0
  const work = async (): Promise<void> => {
    while (performance.now() - begun < seconds * 1_000) await post(next++)
  }
  await Promise.all(Array.from({ length: connections }, work))
  const took = (performance.now() - begun) / 1_000
  agent.destroy()
  latencies.sort((a, b) => a - b)
  const percentiles = SHARES.map((share) => [share, latencies[Math.ceil(latencies.length * share) - 1] ?? 0])
  return { taken, answers, seconds: took, percentiles: Object.fromEntries(percentiles) }
}

process.once('message', async (orders: Orders) => {
  process.send?.(await load(orders), () => process.disconnect())
})
