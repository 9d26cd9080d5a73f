import type { MessageFields } from './message.ts'

declare const toWire: unique symbol

/**
 * A body that went through protection. A provider's `send` takes nothing else, so that handing it plain bytes does not
 * compile. Bytes that come in are plain `Uint8Array`s.
 */
export type WireBody = Uint8Array & { readonly [toWire]: true }

/** What a provider sends. All fields were validated; `body` is borrowed until the promise of `send` settles. */
export interface WireMessage extends MessageFields {
  readonly messageId: string
  /** Equal to `messageId` on first send, a fresh random one on redrive: brokers silently drop an id they know. */
  readonly deduplicationId: string
  readonly body: WireBody
}
