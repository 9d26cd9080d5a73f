import { startSlowWire } from '@queue-runtime/local-server'
import { startServiceBusEmulator } from '@queue-runtime/service-bus-emulator'

// Runs in a process of its own, so that what is measured has one to itself. Tells its parent where it is, and ends with it.

const [delayMs] = process.argv.slice(2)
const emulator = await startServiceBusEmulator({ queues: { orders: { lockDurationMs: 300_000 } } })
const wire = await startSlowWire(emulator.port, Number(delayMs))
const { connectionString, port } = emulator
process.once('disconnect', () => process.exit())
process.send?.({ near: connectionString, far: connectionString.replace(`:${port};`, `:${wire.port};`) })
