import { setTimeout as delay } from 'node:timers/promises'
import type { QueueProvider } from '@queue-runtime/core'
import { expect, onTestFinished } from 'vitest'
import type { DashboardEvents, LabCalls, QueueStatus, Snapshot } from '../../src/dashboard/events.ts'
import type { Demo, DemoOptions } from '../../src/demo/demo.ts'
import { play } from '../demo-helpers.ts'

type Told = {
  [E in keyof DashboardEvents]: { readonly event: E; readonly data: DashboardEvents[E] }
}[keyof DashboardEvents]

/** Listens to `/events` as the page does. */
export const listen = async (url: string) => {
  const closing = new AbortController()
  onTestFinished(() => closing.abort())
  const response = await fetch(`${url}/events`, { signal: closing.signal })
  const told: Told[] = []
  const read = async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/m.exec(frame) ?? []
        if (event !== undefined) told.push({ event, data: JSON.parse(data ?? '') } as Told)
      }
    }
  }
  const ended = read().catch(() => {})
  const all = <E extends keyof DashboardEvents>(event: E) =>
    told.filter((one) => one.event === event).map(({ data }) => data as DashboardEvents[E])
  return { told, all, ended, close: () => closing.abort() }
}

const labOf = (url: string) => {
  const call = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    })
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
  }
  const good = async <T>(path: string, body: object = {}): Promise<T> => {
    const { status, answer } = await call(path, body)
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${JSON.stringify(answer)}`)
    return answer as T
  }
  return {
    call,
    attack: (name: string) => good<LabCalls['attack']>(`/lab/attacks/${name}`),
    rotate: (queue: string) => good<LabCalls['rotate']>(`/lab/queues/${queue}/rotate`),
    mode: (queue: string, mode: string, seals: boolean) =>
      good<LabCalls['mode']>(`/lab/queues/${queue}/mode`, { mode, seals }),
    redrive: (queue: string) => good<LabCalls['redrive']>(`/lab/queues/${queue}/redrive`),
    outage: (name: string, on: boolean) => good<LabCalls['outage']>(`/lab/outages/${name}`, { on }),
    traffic: (on: boolean) => good<LabCalls['traffic']>('/lab/traffic', { on }),
  }
}

export const snapshotOf = async (url: string): Promise<Snapshot> => {
  const page = await listen(url)
  await expect.poll(() => page.all('snapshot')).toHaveLength(1)
  page.close()
  return page.all('snapshot')[0] as Snapshot
}

/** A demo that lives, without the deliveries and attacks of its start. */
export const openLab = async (options: Partial<DemoOptions> = {}) => {
  const { demo, warnings } = await play({ deliveries: [], attacks: [], ...options })
  await demo.live()
  return { demo, warnings, lab: labOf(demo.url), url: demo.url }
}

/** Lets time run ahead in small steps until something holds: what waits for seconds need not wait for them here. */
export const hurry = async ({ clock }: Demo, holds: () => boolean | Promise<boolean>, timeoutMs = 30_000) => {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not come to that.')
    clock.skip(500)
    await delay(25)
  }
}

/** Ends the flow and lets everything arrive; then nothing may be missing. */
export const settleAll = async ({ demo, lab }: { demo: Demo; lab: ReturnType<typeof labOf> }) => {
  await lab.traffic(false)
  await hurry(demo, () => demo.books.due().length === 0)
}

export const statusOf = (snapshot: Snapshot, queue: string): QueueStatus | undefined =>
  snapshot.queues.find((status) => status.queue === queue)

/** A broker that takes its time: there is always something on the way. */
export const slowly = (provider: QueueProvider): QueueProvider => ({
  ...provider,
  open(queue) {
    const transport = provider.open(queue)
    const receive: typeof transport.receive = async (options) => {
      await delay(150)
      return transport.receive(options)
    }
    return { ...transport, receive }
  },
})
