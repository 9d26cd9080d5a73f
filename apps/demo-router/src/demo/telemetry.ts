import { createDemoLogger } from '../logger.ts'
import { openTelemetry, registerTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import type { Variables } from '../telemetry/variables.ts'

/** Returns what the process of the demo measures; all clients in it measure with it from now on. */
export function openDemoTelemetry(variables: Variables, warn: (line: string) => void): Telemetry {
  const logger = createDemoLogger(warn, () => false)
  const telemetry = openTelemetry({ serviceName: 'demo-router', environment: 'demo', variables, logger })
  registerTelemetry(telemetry)
  return telemetry
}
