import type { QueueContext, QueueProtection, Unprotected } from '@queue-runtime/core/provider'
import { aesGcmCryptoProvider, type CryptoProvider, type MessageCryptoOptions } from '@queue-runtime/crypto'
import { type Library, library } from '../../src/library.ts'

/** One fault in an otherwise sound library. */
export type Fault = Partial<Library>

/** Protections that hear other options than they were given. */
export const options = (
  change: (options: MessageCryptoOptions, context: QueueContext) => MessageCryptoOptions,
): Fault => ({
  messageCrypto: (given) => {
    const sound = library.messageCrypto(given)
    return {
      open(context) {
        // What the options are refused for, they are refused for.
        sound.open(context)
        return library.messageCrypto(change(given, context)).open(context)
      },
    }
  },
})

/** Protections of another cipher. */
export const cipher = (change: (sound: CryptoProvider) => CryptoProvider): Fault =>
  options((given, { clock }) => {
    const { keyProvider, cryptoProvider, clockSkewToleranceMs } = given
    if (keyProvider === undefined) return given
    return {
      ...given,
      cryptoProvider: change(cryptoProvider ?? aesGcmCryptoProvider(keyProvider, { clock, clockSkewToleranceMs })),
    }
  })

/** Protections that do something else with what they are given, or make something else of it. */
export const protection = (
  change: (sound: QueueProtection, given: MessageCryptoOptions, context: QueueContext) => Partial<QueueProtection>,
): Fault => ({
  messageCrypto: (given) => {
    const { open } = library.messageCrypto(given)
    return {
      open(context) {
        const sound = open(context)
        return { ...sound, ...change(sound, given, context) }
      },
    }
  },
})

/** Protections that come to other verdicts. */
export const verdicts = (
  change: (
    verdict: Unprotected,
    index: number,
    all: readonly Unprotected[],
    bodies: readonly Uint8Array[],
  ) => Unprotected,
): Fault =>
  protection(({ unprotect }) => ({
    async unprotect(messages, call) {
      const all = await unprotect(messages, call)
      const bodies = messages.map(({ body }) => body)
      return all.map((verdict, index) => change(verdict, index, all, bodies))
    },
  }))
