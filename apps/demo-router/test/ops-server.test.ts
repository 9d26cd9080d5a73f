import { expect, it, onTestFinished } from 'vitest'
import { type NotReady, openOpsServer } from '../src/process/ops-server.ts'

const open = async (look: () => Promise<NotReady> = async () => ({})) => {
  const telemetry = { metricsText: async () => 'queue_depth 7\n' }
  const server = await openOpsServer({ address: { host: '127.0.0.1', port: 0 }, telemetry, look })
  onTestFinished(() => server.close())
  return server
}

it('a scrape asks the broker first, so that the depth of a queue is that of now, and so does a question of readiness, but not twice at once', async () => {
  let looks = 0
  const { url } = await open(async () => {
    looks += 1
    return {}
  })
  expect(await (await fetch(`${url}/metrics`)).text()).toBe('queue_depth 7\n')
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  expect(looks).toBe(1)
})

it('a scrape is answered although a part is not ready: that is when it is needed', async () => {
  const { url } = await open(async () => ({ 'queue merge-warden': 'Timeout' }))
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
})

it('the address for operations answers nothing else, and has no room for bodies', async () => {
  const { url } = await open()
  expect((await fetch(url)).status).toBe(404)
  expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'xx' })).status).toBeGreaterThanOrEqual(400)
})

it('rejects where the port is taken', async () => {
  const { url } = await open()
  const port = Number(new URL(url).port)
  const again = openOpsServer({
    address: { host: '127.0.0.1', port },
    telemetry: { metricsText: async () => '' },
    look: async () => ({}),
  })
  await expect(again).rejects.toThrow('EADDRINUSE')
})
