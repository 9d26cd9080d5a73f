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

/** A meter's first argument is a number or a name. What is added to something else is none of its labels. */
const isMeasured = ([first]: readonly unknown[]): boolean => typeof first !== 'object'

function createListener(): Listener {
  const watch = createWatch()
  listen(watch)
  return {
    watch,
    channelOf,
    given(channel, place, ...values) {
      const isShown = channel !== undefined && (channel !== 'metric' || isMeasured(values))
      if (isShown) watch.look(channel, values, place)
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
