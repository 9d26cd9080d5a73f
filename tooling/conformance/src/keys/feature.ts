import { firstId, type KeySetup, NO_KEY, operate, refreshed, secondId } from './bench.ts'

/**
 * What a key provider may lack, or a store not be made to do.
 *
 * - `list`: `validKeyIds`
 * - `ownKeys`: each call makes a key of its own, so that whoever asked may dispose it, as a cache does
 * - `malformed`: the store can hold what is no key
 * - `dates`: the store knows when a key was made and when it is valid
 * - `put`, `setCurrent`, `remove`, `disable`, `cut`, `deny`, `stall`, `calls`, `pointerId`: as in the setup
 */
export type KeyFeature =
  | 'list'
  | 'ownKeys'
  | 'malformed'
  | 'dates'
  | 'pointerId'
  | 'put'
  | 'setCurrent'
  | 'remove'
  | 'disable'
  | 'cut'
  | 'deny'
  | 'stall'
  | 'calls'

const provides =
  (property: keyof KeySetup) =>
  (setup: KeySetup): boolean =>
    setup[property] !== undefined

/** Whether the store takes these bytes for a key. */
const takes = async (setup: KeySetup, bytes: Uint8Array): Promise<boolean> =>
  setup.put !== undefined &&
  operate(setup, 'put', secondId(setup), bytes).then(
    () => true,
    () => false,
  )

export const keyFeatures: Readonly<Record<KeyFeature, (setup: KeySetup) => boolean | Promise<boolean>>> = {
  list: ({ provider }) => provider.validKeyIds !== undefined,
  async ownKeys(setup) {
    const [key, again] = [await setup.provider.getKey(firstId(setup)), await setup.provider.getKey(firstId(setup))]
    return key !== again
  },
  malformed: (setup) => takes(setup, NO_KEY),
  async dates(setup) {
    if (setup.put === undefined) return false
    const createdAt = new Date(Date.UTC(2025, 0, 1))
    await setup.put(
      secondId(setup),
      Uint8Array.from({ length: 32 }, (_, index) => index),
      { createdAt },
    )
    await refreshed(setup)
    return (await setup.provider.getKey(secondId(setup)))?.createdAt?.getTime() === createdAt.getTime()
  },
  pointerId: provides('pointerId'),
  put: provides('put'),
  setCurrent: provides('setCurrent'),
  remove: provides('remove'),
  disable: provides('disable'),
  cut: provides('cut'),
  deny: provides('deny'),
  stall: provides('stall'),
  calls: provides('calls'),
}
