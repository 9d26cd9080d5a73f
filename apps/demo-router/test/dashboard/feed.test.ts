import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MessageRow, Snapshot } from '../../src/dashboard/events.ts'
import { createFeed, type FeedOptions } from '../../src/dashboard/feed.ts'

const snapshot: Snapshot = {
  backends: { queue: 'memory', keys: 'memory', nonces: 'memory' },
  hasLab: false,
  ...{ queues: [], messages: [], points: [], attacks: [], results: [] },
  outages: { broker: false, keys: false, nonces: false },
  traffic: false,
  requests: {},
}

const row = (key: string, attack: string | null = null): MessageRow => ({
  ...{ key, queue: 'task-tactician', messageId: key, event: 'push', stage: 'stored', sealed: true, keyId: 'key-a' },
  ...{ storedBytes: 1, at: 0, attack, refusal: null, deadLetterReason: null },
})

const open = async (options: Partial<FeedOptions> = {}) => {
  const feed = createFeed({ snapshot: () => snapshot, ...options })
  const server = createServer((_request, response) => {
    if (!feed.serve(response)) response.writeHead(503).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  onTestFinished(() => {
    feed.close()
    server.closeAllConnections()
    server.close()
  })
  const connect = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: '/events', agent: false }, resolve).on('error', reject)
    })
  /** Reads as a browser does, event by event. */
  const read = async () => {
    const response = await connect()
    const seen = { text: '', isEnded: false }
    response.setEncoding('utf8').on('data', (text) => {
      seen.text += text
    })
    response.on('end', () => {
      seen.isEnded = true
    })
    response.on('error', () => {})
    const events = () => [...seen.text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => [name, data])
    return { response, seen, events }
  }
  return { feed, connect, read }
}

describe('the feed of events', () => {
  it('begins with everything, and goes on with what happens', async () => {
    const { feed, read } = await open()
    const { response, events } = await read()
    await vi.waitFor(() => expect(events()).toEqual([['snapshot', JSON.stringify(snapshot)]]))
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(response.headers['cache-control']).toBe('no-store')
    feed.publish('traffic', true)
    await vi.waitFor(() => expect(events()[1]).toEqual(['traffic', 'true']))
  })

  it('sends a message that went on several times once, as it is now, and the attacked ones first', async () => {
    const { feed, read } = await open({ flushMs: 20, maxPerFlush: 2 })
    const { events } = await read()
    await vi.waitFor(() => expect(events()).toHaveLength(1))
    for (const key of ['a', 'b', 'c']) feed.publishMessage(row(key))
    feed.publishMessage(row('x', 'flip-bit'))
    feed.publishMessage({ ...row('c'), stage: 'completed' })
    await vi.waitFor(() => expect(events()).toHaveLength(3))
    const rows = events()
      .slice(1)
      .map(([, data]) => JSON.parse(data ?? ''))
    expect(rows).toEqual([row('x', 'flip-bit'), { ...row('c'), stage: 'completed' }])
  })

  it('drops a reader that does not read, and keeps the others', async () => {
    const { feed, connect, read } = await open({ maxWaitingBytes: 50_000 })
    const lazy = await connect()
    lazy.on('error', () => {})
    const { events } = await read()
    await vi.waitFor(() => expect(feed.size).toBe(2))
    const requests = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`counter-${at}`, at]))
    await vi.waitFor(
      () => {
        feed.publish('requests', requests)
        expect(feed.size).toBe(1)
      },
      { timeout: 20_000, interval: 1 },
    )
    feed.publish('traffic', true)
    await vi.waitFor(() => expect(events().at(-1)).toEqual(['traffic', 'true']))
    lazy.destroy()
  })

  it('forgets a reader that went', async () => {
    const { feed, read } = await open()
    const { response } = await read()
    expect(feed.size).toBe(1)
    response.destroy()
    await vi.waitFor(() => expect(feed.size).toBe(0))
  })

  it('takes no more readers than it can serve', async () => {
    const { connect, read } = await open({ maxReaders: 1 })
    await read()
    expect((await connect()).statusCode).toBe(503)
  })

  it('shows that it is alive while nothing happens', async () => {
    const { read } = await open({ heartbeatMs: 10 })
    const { seen } = await read()
    await vi.waitFor(() => expect(seen.text).toContain('\n: alive\n\n'))
  })

  it('ends its connections when it closes, and takes no new ones', async () => {
    const { feed, connect, read } = await open()
    const { seen } = await read()
    feed.close()
    await vi.waitFor(() => expect(seen.isEnded).toBe(true))
    expect((await connect()).statusCode).toBe(503)
  })
})
