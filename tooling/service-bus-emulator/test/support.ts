import { type ServiceBusClientOptions, ServiceBusClient } from '@azure/service-bus'
import { onTestFinished } from 'vitest'
import { type EmulatorOptions, type ServiceBusEmulator, startServiceBusEmulator } from '../src/index.ts'

/** No retries and short waits: what fails in a test fails at once. */
export const IMPATIENT: ServiceBusClientOptions = {
  retryOptions: { maxRetries: 0, timeoutInMs: 5_000, retryDelayInMs: 10 },
}

/** An emulator that ends with the test. */
export async function emulate(options: EmulatorOptions): Promise<ServiceBusEmulator> {
  const emulator = await startServiceBusEmulator(options)
  onTestFinished(() => emulator.close())
  return emulator
}

/** A client that ends with the test. */
export function connect(emulator: ServiceBusEmulator, options: ServiceBusClientOptions = IMPATIENT): ServiceBusClient {
  const client = new ServiceBusClient(emulator.connectionString, options)
  onTestFinished(() => client.close())
  return client
}
