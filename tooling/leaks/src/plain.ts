import { inspect } from 'node:util'

/** As they were before anybody listened to them: what the watch itself spells out is not heard. */
export const plain: { readonly inspect: typeof inspect; readonly stringify: typeof JSON.stringify } = {
  inspect: inspect,
  stringify: JSON.stringify,
}
