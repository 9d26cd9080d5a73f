import { setTimeout as delay } from 'node:timers/promises'
import { isQueueError, type Logger } from '@queue-runtime/core'
import { errorClass, systemClock } from '@queue-runtime/core/provider'
import { type Backends, openBackends } from '../backends/backends.ts'
import type { Environment } from '../config/variables.ts'
import { openTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import { createJsonLogger } from './json-logger.ts'
import { type NotReady, openOpsServer } from './ops-server.ts'
import { readSettings, type Settings } from './settings.ts'

/** Stopped in order; failed, or not stopped in time; a variable that is wrong. */
const EXIT = { good: 0, bad: 1, usage: 2 } as const

/** What a service has to work with. */
export interface Workshop {
  readonly settings: Settings
  readonly backends: Backends
  readonly telemetry: Telemetry
  readonly logger: Logger
}

/** A router or a bot at work. */
export interface Service {
  /** Rejects once it cannot work any more, whatever it tries. */
  readonly failed: Promise<never>
  /** Why it is not ready; never rejects. */
  look(): Promise<NotReady>
  /** Takes nothing new, ends what is under way, and closes its clients. */
  close(): Promise<void>
}

export interface ServiceParts {
  readonly environment: Environment
  /** Takes lines of the log. */
  readonly write: (line: string) => void
  /** Resolves when somebody wants the process to end. */
  readonly stopped: Promise<void>
}

export interface ServiceKind {
  readonly name: string
  /** Checks what this kind alone needs, before anything is opened. @throws Configuration naming the variable */
  prepare(settings: Settings): (workshop: Workshop) => Promise<Service>
}

const isUsage = (error: unknown): boolean => isQueueError(error, 'Configuration') || error instanceof RangeError

/** Codes of the system, such as EADDRINUSE, say more than the class of an error. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : errorClass(error)

const within = async (ms: number, work: Promise<unknown>): Promise<boolean> => {
  const ended = new AbortController()
  const late = delay(ms, false, { signal: ended.signal })
  return Promise.race([work.then(() => true), late]).finally(() => ended.abort())
}

/**
 * Runs a service until it is stopped, and resolves with the exit code: 0 when it was stopped and has ended what was under way;
 * 1 when it failed, or did not end in time; 2 when a variable is wrong. What is still open then ends with the process.
 */
export async function runService(kind: ServiceKind, { environment, write, stopped }: ServiceParts): Promise<number> {
  const opened: (() => Promise<void>)[] = []
  const least = environment.LOG_LEVEL || 'info'
  const logger = createJsonLogger(write, { service: kind.name, least, now: Date.now })
  let isStopping = false

  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close()
  }

  const work = async (settings: Settings, start: (workshop: Workshop) => Promise<Service>): Promise<void> => {
    const telemetry = openTelemetry({
      ...{ serviceName: kind.name, variables: environment, logger },
      environment: settings.variables.get('ENVIRONMENT') ?? '',
    })
    opened.push(() => telemetry.close())
    const backends = await openBackends(settings.backends, { clock: systemClock, logger, embedded: {} })
    opened.push(() => backends.close())
    const service = await start({ settings, backends, telemetry, logger })
    opened.push(() => service.close())
    const look = async (): Promise<NotReady> => (isStopping ? { process: 'stopping' } : service.look())
    const ops = await openOpsServer({ address: settings.ops, telemetry, look })
    // Whoever watches sees it stop.
    opened.unshift(() => ops.close())
    logger.info({ ops: ops.url }, 'Started')
    await Promise.race([stopped, service.failed])
  }

  const stop = async (shutdownMs: number): Promise<boolean> => {
    isStopping = true
    const isDone = await within(
      shutdownMs,
      closeAll().catch((error: unknown) => logger.error({ error_type: reasonOf(error) }, 'Closing failed')),
    )
    if (!isDone) logger.error({ shutdown_ms: shutdownMs }, 'Stopped before everything under way had ended')
    return isDone
  }

  let shutdownMs = 0
  try {
    const settings = readSettings(environment)
    shutdownMs = settings.shutdownMs
    await work(settings, kind.prepare(settings))
    logger.info({}, 'Stopping')
    return (await stop(shutdownMs)) ? EXIT.good : EXIT.bad
  } catch (error) {
    const isOurs = isUsage(error) && error instanceof Error
    logger.error({ error_type: reasonOf(error) }, isOurs ? error.message : 'The process cannot go on')
    await stop(shutdownMs)
    return isOurs ? EXIT.usage : EXIT.bad
  }
}
