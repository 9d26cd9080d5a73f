// The process that is loaded: router and three bots on the embedded broker, everything sealed.
import { randomBytes } from 'node:crypto'
import { createQueueClient } from '@queue-runtime/core'
import { systemClock } from '@queue-runtime/core/provider'
import { EncryptionKey, memoryNonceStore, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { startBots } from '../../src/bots.ts'
import { createCounters } from '../../src/counters.ts'
import { perQueue, QUEUES, ROUTES } from '../../src/github/routes.ts'
import { githubSessions } from '../../src/github/sessions.ts'
import { receiverProtection, STRICT, senderProtection } from '../../src/protections.ts'
import { createRouter } from '../../src/router.ts'
import { createServer, WEBHOOK_PATH } from '../../src/server.ts'
import { measureRequests } from '../../src/telemetry/requests.ts'
import { openTelemetry, registerTelemetry } from '../../src/telemetry/telemetry.ts'
import type { TargetReport, ToTarget } from './messages.ts'

const quiet = (): void => {}
const problems: string[] = []
const note = (_fields: Record<string, unknown>, text: string): void => void problems.push(text)
const logger = { debug: quiet, info: quiet, warn: note, error: note }

const telemetry = openTelemetry({ serviceName: 'load', environment: 'test', variables: process.env, logger })
registerTelemetry(telemetry)

const secret = process.env.LOAD_SECRET ?? ''
const keys = perQueue((queue) => {
  const id = `key-of-${queue}`
  return multiKeyProvider({ keys: [EncryptionKey.fromBytes(id, randomBytes(32), { createdAt: new Date() })] })
})
const provider = memoryProvider({ broker: memoryBroker({ queues: QUEUES }) })
const senders = perQueue((queue) =>
  createQueueClient({ provider, queue, logger, crypto: senderProtection(keys[queue], STRICT) }),
)
const nonceStore = memoryNonceStore()
const counters = createCounters()
const app = createServer({
  router: createRouter({ secret, routes: ROUTES, sessions: githubSessions, senders, logger }),
  ...{ counters, logger, bodyLimit: 1_048_576 },
})
measureRequests(app, WEBHOOK_PATH, { counters, meterProvider: telemetry.meterProvider })

const handled: string[] = []
const bots = startBots({
  ...{ provider, logger },
  clock: systemClock,
  protections: perQueue((queue) => receiverProtection(keys[queue], STRICT, nonceStore)),
  onRead: (_queue, { messageId }) => void handled.push(messageId),
  onRejected: (_queue, { error }) => void problems.push(error.code),
})

const report = async (): Promise<TargetReport> => {
  const { user, system } = process.cpuUsage()
  const cpuSeconds = (user + system) / 1e6
  return { handled, problems, cpuSeconds, metrics: await telemetry.metricsText() }
}

process.on('message', async (message: ToTarget) => {
  if (message === 'report') {
    process.send?.(await report())
    return
  }
  await app.close()
  await bots.close()
  await Promise.all(Object.values(senders).map((sender) => sender.close()))
  await telemetry.close()
  process.disconnect()
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ url: url + WEBHOOK_PATH })
