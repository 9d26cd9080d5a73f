import { createDemoLogger } from '../logger.ts'
import { openTelemetry, registerTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import type { Variables } from '../telemetry/variables.ts'

/**
 * Returns what the process of the demo measures; all clients in it measure with it from now on. Undefined where a variable of
 * OpenTelemetry cannot be meant: then `warn` was told which.
 */
export function openDemoTelemetry(variables: Variables, warn: (line: string) => void): Telemetry | undefined {
  const logger = createDemoLogger(warn, () => false)
  try {
    const telemetry = openTelemetry({ serviceName: 'demo-router', environment: 'demo', variables, logger })
    registerTelemetry(telemetry)
    return telemetry
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    warn(error.message)
    return undefined
  }
}
