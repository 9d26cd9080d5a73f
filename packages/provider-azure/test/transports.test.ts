import { providerKit } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { type ServiceBusEmulator, startServiceBusEmulator } from '@queue-runtime/service-bus-emulator'
import { afterAll, beforeAll } from 'vitest'
import { serviceBus } from './subjects.ts'

let emulator: ServiceBusEmulator
beforeAll(async () => {
  emulator = await startServiceBusEmulator({ queues: [] })
})
afterAll(() => emulator.close())

describeCases(
  providerKit,
  serviceBus(() => emulator),
  { concurrent: true },
)
