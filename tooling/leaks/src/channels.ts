/** Where something was shown. */
export type Channel = 'log' | 'error' | 'metric' | 'span' | 'console' | 'inspect' | 'JSON' | 'clone'

/** The functions that are handed something to show, by the names under which they are called. */
const CALLED: Readonly<Partial<Record<Channel, string>>> = {
  log: 'trace debug info log warn error fatal',
  console: 'write',
  metric:
    'add record observe createCounter createUpDownCounter createGauge createHistogram createObservableCounter createObservableUpDownCounter createObservableGauge',
  span: 'startSpan startActiveSpan updateName setAttribute setAttributes addEvent addLink addLinks setStatus recordException',
}
const CHANNELS: ReadonlyMap<unknown, Channel> = new Map(
  Object.entries(CALLED).flatMap(([channel, names]) => names.split(' ').map((name) => [name, channel as Channel])),
)

/** Where a function of this name shows what it is called with. */
export const channelOf = (name: unknown): Channel | undefined => CHANNELS.get(name)
