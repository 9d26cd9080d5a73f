import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import type { DashboardEvents, MessageDetail, OutageName, QueueMode, Snapshot } from '../../src/dashboard/events.ts'
import { createFeed } from '../../src/dashboard/feed.ts'
import { QUEUES, type QueueName } from '../../src/github/routes.ts'
import { servePage } from '../../src/view/serve.ts'
import { ATTACKS, messageFixture, pointFixture, resultFixture, snapshotFixture } from './fixtures.ts'

export interface FakeDashboard {
  readonly url: string
  readonly state: Snapshot
  /** Changes what the next snapshot says, and tells the pages. */
  tell<E extends keyof DashboardEvents>(event: E, data: DashboardEvents[E], change: Partial<Snapshot>): void
  addMessage(change?: Partial<MessageDetail>, goesOn?: boolean): MessageDetail
  second(): void
  close(): Promise<void>
}

/** The page with a server that plays its part: rare states at will, and no broker. */
export async function startFakeDashboard(
  options: { port?: number; now?: () => number; change?: Partial<Snapshot> } = {},
): Promise<FakeDashboard> {
  const { port = 0, now = Date.now, change = {} } = options
  let state: Snapshot = { ...snapshotFixture(now()), ...change }
  const details = new Map<string, MessageDetail>()
  const feed = createFeed({ snapshot: () => state })
  const app = fastify({ forceCloseConnections: true })
  let number = 0

  const update = <E extends keyof DashboardEvents>(
    event: E,
    data: DashboardEvents[E],
    changed: Partial<Snapshot>,
  ): void => {
    state = { ...state, ...changed }
    feed.publish(event, data)
  }

  const show = (detail: MessageDetail): void => {
    details.set(detail.key, detail)
    const { sessionId, correlationId, attributes, hex, fields, readBytes, text, ...row } = detail
    const messages = [row, ...state.messages.filter(({ key }) => key !== row.key)].slice(0, 60)
    update('message', row, { messages })
  }

  const addMessage = (changed: Partial<MessageDetail> = {}): MessageDetail => {
    number += 1
    const detail = messageFixture(number, now(), changed)
    show(detail)
    return detail
  }

  const setQueue = (queue: QueueName, changed: Partial<Snapshot['queues'][number]>) => {
    const queues = state.queues.map((status) => (status.queue === queue ? { ...status, ...changed } : status))
    const status = queues.find((one) => one.queue === queue)
    if (status !== undefined) update('queue', status, { queues })
    return status
  }

  servePage(app)
  app.get('/events', (_request, reply) => (feed.serve(reply.raw) ? reply.hijack() : reply.code(503).send({})))
  app.get<{ Params: { key: string } }>('/messages/:key', ({ params }, reply) => {
    const found = details.get(params.key)
    return found ?? reply.code(404).send({ error: 'not-kept', message: 'Only the newest messages are kept.' })
  })
  app.post<{ Params: { name: string } }>('/lab/attacks/:name', ({ params }, reply) => {
    const info = ATTACKS.find(({ name }) => name === params.name)
    if (info === undefined) return reply.code(409).send({ error: 'unknown', message: 'There is no such attack.' })
    const refused = {
      stage: 'dead',
      refusal: 'AuthenticationFailed',
      deadLetterReason: 'MessageRefused',
      text: null,
      readBytes: null,
    } as const
    const { key } = addMessage({ queue: 'task-tactician', attack: info.name, ...(info.isLimit ? {} : refused) })
    const result = resultFixture(info, now(), key)
    update('attack', result, { results: [result, ...state.results] })
    return result
  })
  app.post<{ Params: { queue: QueueName } }>('/lab/queues/:queue/rotate', ({ params: { queue } }) => {
    const keys = state.queues.find((status) => status.queue === queue)?.keys ?? []
    const fresh = { id: `${keys[0]?.id ?? 'key'}-${keys.length + 1}`, createdAt: now(), isCurrent: true }
    return setQueue(queue, { keys: [fresh, ...keys.map((key) => ({ ...key, isCurrent: false }))] })
  })
  app.post<{ Params: { queue: QueueName }; Body: { mode: QueueMode; seals: boolean } }>(
    '/lab/queues/:queue/mode',
    ({ params, body }) => setQueue(params.queue, body),
  )
  app.post('/lab/queues/:queue/redrive', () => ({ redriven: 1, skipped: 0, failed: 2 }))
  app.post<{ Params: { name: OutageName }; Body: { on: boolean } }>('/lab/outages/:name', ({ params, body }) => {
    const outages = { ...state.outages, [params.name]: body.on }
    update('outages', outages, { outages })
    const pausedBy = outages.broker
      ? 'ConnectionFailed'
      : outages.keys
        ? 'KeyProviderError'
        : outages.nonces
          ? 'NonceStoreUnavailable'
          : null
    for (const queue of QUEUES)
      setQueue(queue, { intake: outages.broker ? 'broken' : pausedBy === null ? 'running' : 'paused', pausedBy })
    return outages
  })
  app.post<{ Body: { on: boolean } }>('/lab/traffic', ({ body }) => {
    update('traffic', body.on, { traffic: body.on })
    return JSON.stringify(body.on)
  })
  await app.listen({ host: '127.0.0.1', port })

  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    get state() {
      return state
    },
    ...{ tell: update, addMessage },
    second() {
      const isOut = Object.values(state.outages).some(Boolean)
      const points = QUEUES.map((queue) => {
        const depth = state.points.findLast((point) => point.queue === queue)?.depth ?? 0
        return pointFixture(queue, now(), isOut ? { handled: 0, depth: depth + 4 } : { depth: Math.max(0, depth - 20) })
      })
      update('points', points, { points: [...state.points, ...points].slice(-600) })
    },
    async close() {
      feed.close()
      await app.close()
    },
  }
}
