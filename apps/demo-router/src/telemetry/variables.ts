import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/** Environment variables, by name. */
export type Variables = Readonly<Record<string, string | undefined>>

/** What the standard variables of OpenTelemetry say about traces. */
export interface TraceSettings {
  readonly sampler: Sampler
  /** Only what is set; the SDK has the standard's defaults. */
  readonly batch: Partial<Record<BatchOption, number>>
}

type BatchOption = (typeof BATCH)[keyof typeof BATCH]

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
const BATCH = {
  OTEL_BSP_SCHEDULE_DELAY: 'scheduledDelayMillis',
  OTEL_BSP_EXPORT_TIMEOUT: 'exportTimeoutMillis',
  OTEL_BSP_MAX_QUEUE_SIZE: 'maxQueueSize',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'maxExportBatchSize',
} as const

const SAMPLERS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
}

/** The one protocol whose exporter is installed: the standard's default. */
const PROTOCOL = 'http/protobuf'

const refuse = (name: string, wanted: string): never => {
  throw new RangeError(`${name} must be ${wanted}.`)
}

/** The value; undefined where it is not set, or empty, which the standard says is the same. */
const setting = (variables: Variables, name: string): string | undefined => variables[name]?.trim() || undefined

const samplerOf = (variables: Variables): Sampler => {
  const name = setting(variables, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const ratio = Number(setting(variables, 'OTEL_TRACES_SAMPLER_ARG') ?? 1)
  if (!(ratio >= 0 && ratio <= 1)) refuse('OTEL_TRACES_SAMPLER_ARG', 'a number from 0 to 1')
  const make = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined
  return make?.(ratio) ?? refuse('OTEL_TRACES_SAMPLER', `one of ${Object.keys(SAMPLERS).join(', ')}`)
}

const batchOf = (variables: Variables): TraceSettings['batch'] => {
  const set = Object.entries(BATCH).flatMap(([name, option]) => {
    const value = setting(variables, name)
    if (value === undefined) return []
    if (!/^\d{1,9}$/.test(value)) refuse(name, 'a whole number')
    return [[option, Number(value)]]
  })
  return Object.fromEntries(set)
}

/** True where the variables name a place that traces go to: without one nothing is traced. */
const hasEndpoint = (variables: Variables): boolean =>
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].some(
    (name) => setting(variables, name) !== undefined,
  )

/**
 * Returns how to trace, or undefined where nobody asked for it: no OTLP endpoint is set, `OTEL_TRACES_EXPORTER` is `none`, or
 * `OTEL_SDK_DISABLED` is `true`. The exporter itself reads endpoint, headers, timeout, compression and certificates.
 *
 * @throws RangeError that names the variable, and not its value, where one cannot be meant.
 */
export function traceSettings(variables: Variables): TraceSettings | undefined {
  const isDisabled = setting(variables, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true'
  const exporter = setting(variables, 'OTEL_TRACES_EXPORTER') ?? 'otlp'
  if (isDisabled || exporter === 'none' || !hasEndpoint(variables)) return undefined
  if (exporter !== 'otlp') refuse('OTEL_TRACES_EXPORTER', 'otlp or none')
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    if ((setting(variables, name) ?? PROTOCOL) !== PROTOCOL) refuse(name, PROTOCOL)
  return { sampler: samplerOf(variables), batch: batchOf(variables) }
}
