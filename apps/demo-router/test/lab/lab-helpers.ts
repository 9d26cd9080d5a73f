import type { LabCalls } from '../../src/dashboard/events.ts'
import type { DemoOptions } from '../../src/demo/demo.ts'
import { play } from '../demo-helpers.ts'

/** A demo that lives, without the deliveries and attacks of its start. */
export const openLab = async (options: Partial<DemoOptions> = {}) => {
  const { demo, warnings } = await play({ deliveries: [], attacks: [], ...options })
  await demo.live()
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${demo.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    })
    return { status: response.status, answer: (await response.json()) as unknown }
  }
  const good = async <T>(path: string, body: object = {}): Promise<T> => {
    const { status, answer } = await call('POST', path, body)
    if (status !== 200) throw new Error(`${path} was answered ${status} ${JSON.stringify(answer)}`)
    return answer as T
  }
  const lab = {
    attack: (name: string) => good<LabCalls['attack']>(`/lab/attacks/${name}`),
    rotate: (queue: string) => good<LabCalls['rotate']>(`/lab/queues/${queue}/rotate`),
    mode: (queue: string, mode: string, seals: boolean) =>
      good<LabCalls['mode']>(`/lab/queues/${queue}/mode`, { mode, seals }),
    redrive: (queue: string) => good<LabCalls['redrive']>(`/lab/queues/${queue}/redrive`),
    outage: (name: string, on: boolean) => good<LabCalls['outage']>(`/lab/outages/${name}`, { on }),
    traffic: (on: boolean) => good<LabCalls['traffic']>('/lab/traffic', { on }),
  }
  return { demo, warnings, call, lab }
}
