import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { EMBEDDED, openGround } from '../src/demo/ground.ts'
import { openHouse } from '../src/demo/house.ts'
import { createLedger } from '../src/demo/ledger.ts'
import { tellAll } from '../src/demo/observer.ts'
import { recordingLogger } from './helpers.ts'

const KIB = 1024
/** What the memory provider takes less what is kept for envelope and fields. */
const BODY_LIMIT = 10 * KIB * KIB - KIB

const open = async () => {
  const ledger = createLedger()
  const { logger, lines } = recordingLogger()
  const ground = await openGround(EMBEDDED, logger)
  const house = await openHouse({ port: 0, ground, logger, observer: tellAll([ledger]) })
  onTestFinished(async () => {
    await house.close()
    await ground.close()
  })
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(house.webhookUrl, {
      method: 'POST',
      body,
      headers: {
        'x-hub-signature-256': `sha256=${createHmac('sha256', house.secret).update(body).digest('hex')}`,
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        ...headers,
      },
    })
  return { house, ledger, lines, post }
}

const push = (size: number) => {
  const payload = {
    ref: `refs/heads/${'ü'.repeat(255)}`,
    repository: { name: 'r'.repeat(100), owner: { login: 'o'.repeat(39) } },
    filler: '',
  }
  const empty = Buffer.byteLength(JSON.stringify(payload))
  return JSON.stringify({ ...payload, filler: 'x'.repeat(size - empty) })
}

describe('router, broker and bots in one process', { timeout: 30_000 }, () => {
  it('carry a body of the largest size that the router takes, with the longest names, and no larger one (DR6)', async () => {
    const { house, ledger, post } = await open()
    const bots = house.startBots()
    onTestFinished(() => bots.close())
    const deliveryId = 'd'.repeat(128)
    const body = push(BODY_LIMIT)
    const entry = ledger.post(deliveryId, { event: 'push', body }, 'spec-sentinel')
    expect((await post(body, { 'x-github-delivery': deliveryId })).status).toBe(202)
    await vi.waitFor(() => expect(entry.reads).toMatchObject([{ queue: 'spec-sentinel', isIntact: true }]), 5_000)
    expect((await post(push(BODY_LIMIT + 1))).status).toBe(413)
    expect(house.counters.snapshot()).toMatchObject({ sent: { 'spec-sentinel': 1 }, refused: { 'too-large': 1 } })
  })

  it('answer 413 when the fields make a message too large for the provider', async () => {
    const { house, post } = await open()
    const response = await post(push(BODY_LIMIT), { 'x-github-event': `pull_request_${'x'.repeat(2 * KIB)}` })
    expect(response.status).toBe(413)
    expect(house.copies.lyingIn('task-tactician')).toEqual([])
  })

  it('listen on this machine only', async () => {
    const { house } = await open()
    const { port, hostname } = new URL(house.url)
    expect(hostname).toBe('127.0.0.1')
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
    for (const { address } of others) await expect(fetch(`http://${address}:${port}/`)).rejects.toThrow()
  })

  it('close although clients send nothing, or half a request, and never end it', async () => {
    const { house } = await open()
    const { port } = new URL(house.url)
    const halves = [
      '',
      'POST /webhooks/github HT',
      'POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
    ]
    const sockets = await Promise.all(
      halves.map(async (text) => {
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('error', () => {})
        await once(socket, 'connect')
        socket.write(text)
        return socket
      }),
    )
    const ended = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve))))
    await house.close()
    await ended
  })

  it('close although a client keeps its connection, and answer nobody afterwards', async () => {
    const { house, post } = await open()
    await post('{}')
    await house.close()
    await expect(post('{}')).rejects.toThrow()
  })

  it('log nothing about a request that is refused: it is counted', async () => {
    const { house, lines, post } = await open()
    await post('{}', { 'x-hub-signature-256': 'sha256=guess' })
    await post('no json')
    expect(house.counters.snapshot().refused).toMatchObject({ 'bad-signature': 1, 'not-json': 1 })
    expect(lines).toEqual([])
  })
})
