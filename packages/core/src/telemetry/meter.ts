import { type Attributes, type Meter, type MeterProvider, type MetricOptions, metrics } from '@opentelemetry/api'

/** The instruments that the library uses. */
export type QueueMeter = Pick<Meter, 'createCounter' | 'createGauge' | 'createHistogram'>

/** What a client measures with. */
export interface ClientMeter extends QueueMeter {
  /**
   * Returns a level: how many of something there are now, told by what comes and goes. An up-down counter, not a gauge: the
   * last of several clients of one queue to speak would overwrite what the others told a gauge, while their counts add up.
   */
  createLevel(name: string, options: MetricOptions, labels: Attributes): (change: number) => void
}

const NAME = '@queue-runtime/core'

/**
 * Returns a meter whose instruments are made when they first measure, and again when another provider is registered: those
 * made before the application registers its SDK stay silent for ever.
 */
export function lateMeter(given: MeterProvider | undefined): ClientMeter {
  const current = (): MeterProvider => given ?? metrics.getMeterProvider()
  /** `onMade` is told of each instrument before it measures. */
  const late = <T>(make: (meter: Meter) => T, onMade: (instrument: T) => void = () => {}): (() => T) => {
    let provider: MeterProvider | undefined
    let instrument: T | undefined
    return () => {
      const now = current()
      if (instrument === undefined || now !== provider) {
        provider = now
        instrument = make(now.getMeter(NAME))
        onMade(instrument)
      }
      return instrument
    }
  }
  return {
    createCounter(name, options) {
      const counter = late((meter) => meter.createCounter(name, options))
      return { add: (value, attributes, context) => counter().add(value, attributes, context) }
    },
    createGauge(name, options) {
      const gauge = late((meter) => meter.createGauge(name, options))
      return { record: (value, attributes, context) => gauge().record(value, attributes, context) }
    },
    createHistogram(name, options) {
      const histogram = late((meter) => meter.createHistogram(name, options))
      return { record: (value, attributes, context) => histogram().record(value, attributes, context) }
    },
    createLevel(name, options, labels) {
      let level = 0
      const counter = late(
        (meter) => meter.createUpDownCounter(name, options),
        // What came before the SDK will go after it: a counter that began at zero would then stay below it.
        (made) => made.add(level, labels),
      )
      return (change) => {
        counter().add(change, labels)
        level += change
      }
    },
  }
}
