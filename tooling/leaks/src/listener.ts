import { type Channel, channelOf } from './channels.ts'
import { listen } from './hooks.ts'
import { createWatch, type Watch } from './watch.ts'

/** The name under which the sources know the listener, as a property of the global object. */
export const LISTENER = '__leakListener'

/** What the calls of the sources are told to. `given` and `made` return what they were given. */
export interface Listener {
  readonly watch: Watch
  /** Where a function shows what it is called with, if its name is known at run time only. */
  channelOf(name: unknown): Channel | undefined
  /** What a logger, a meter or a tracer is called with. */
  given<T extends unknown[]>(channel: Channel | undefined, place: string, ...values: T): T
  /** What was made or set. */
  made<T>(channel: Channel, place: string, value: T): T
}

/**
 * Things are added and written to much else than meters and streams. A meter's first argument is a number or a name, a stream's a
 * text or bytes.
 */
const isMeant = (channel: Channel, first: unknown): boolean => {
  if (channel === 'metric') return typeof first !== 'object'
  return channel !== 'console' || typeof first === 'string' || ArrayBuffer.isView(first)
}

function createListener(): Listener {
  const watch = createWatch()
  listen(watch)
  return {
    watch,
    channelOf,
    given(channel, place, ...values) {
      if (channel === undefined || !isMeant(channel, values[0])) return values
      for (const value of values) watch.look(channel, value, place)
      return values
    },
    made(channel, place, value) {
      watch.look(channel, value, place)
      return value
    },
  }
}

/** Returns the listener of this process, where there is one. */
export const knownListener = (): Listener | undefined => Reflect.get(globalThis, LISTENER)

/** Returns the one listener of this process, which hears everything from the first call on. */
export function listener(): Listener {
  const known = knownListener()
  if (known !== undefined) return known
  const made = createListener()
  Object.defineProperty(globalThis, LISTENER, { value: made })
  return made
}
