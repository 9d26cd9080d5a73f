import { type Attributes, type Meter, type MeterProvider, metrics } from '@opentelemetry/api'

/** The instruments that the library uses. */
export type QueueMeter = Pick<Meter, 'createCounter' | 'createGauge' | 'createHistogram'>

const NAME = '@queue-runtime/core'

/**
 * Returns a meter whose instruments are made when they first measure, and again when another provider is registered: those
 * made before the application registers its SDK stay silent for ever.
 */
export function lateMeter(given: MeterProvider | undefined): QueueMeter {
  const current = (): MeterProvider => given ?? metrics.getMeterProvider()
  const late = <T>(make: (meter: Meter) => T): (() => T) => {
    let provider: MeterProvider | undefined
    let instrument: T | undefined
    return () => {
      const now = current()
      if (instrument === undefined || now !== provider) {
        provider = now
        instrument = make(now.getMeter(NAME))
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
  }
}

/** What one client counts. The names are those that Prometheus shows. */
export interface ClientMetrics {
  sent(encrypted: boolean, status: 'success' | 'error'): void
  received(encrypted: boolean): void
}

/** Makes the counters of one queue. Labels hold no message, session or correlation id. */
export function clientMetrics(meter: QueueMeter, queue: string): ClientMetrics {
  const sent = meter.createCounter('queue_messages_sent_total', { description: 'Messages handed to the broker' })
  const received = meter.createCounter('queue_messages_received_total', {
    description: 'Messages handed to the application',
  })
  const labels = (encrypted: boolean): Attributes => ({ queue, encrypted: String(encrypted) })
  return {
    sent: (encrypted, status) => sent.add(1, { ...labels(encrypted), status }),
    received: (encrypted) => received.add(1, labels(encrypted)),
  }
}
