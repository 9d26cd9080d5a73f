import { createSecretKey, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, invalid, misconfigured, option } from '@queue-runtime/core/provider'
import { isKeyId } from './key-id.ts'

/** AES-256 takes 32 bytes (FIPS 197). */
const KEY_BYTES = 32

/**
 * - `createdAt`: for reports of key age
 * - `notBefore`: until then the key neither seals nor opens
 * - `expiresAt`: from then on it seals nothing, and opens only what was sealed before
 * - `openUntil`: from then on it opens nothing
 * - `zeroSource`: overwrite the given bytes with zeros once they are taken. Default false
 */
export interface KeyOptions
  extends Options<{ createdAt: Date; notBefore: Date; expiresAt: Date; openUntil: Date; zeroSource: boolean }> {}

const copyOf = (date: Date | undefined): Date | undefined => date && new Date(date)

/** Reaches the private field; assigned by the class itself and not exported from the package. */
let read: (key: EncryptionKey) => KeyObject | undefined

/**
 * A key that seals and opens, under an id that stands for these bytes for ever. The bytes live outside the JavaScript heap, in
 * a KeyObject that nothing gives out; print, JSON and a structured clone show the id only. `dispose()` drops the reference:
 * when the memory is overwritten is up to Node.
 */
export class EncryptionKey implements Disposable {
  readonly id: string
  readonly createdAt: Date | undefined
  readonly notBefore: Date | undefined
  readonly expiresAt: Date | undefined
  readonly openUntil: Date | undefined
  #keyObject: KeyObject | undefined

  static {
    read = (key) => key.#keyObject
    Object.defineProperty(EncryptionKey.prototype, inspect.custom, { value: EncryptionKey.prototype.toString })
  }

  private constructor(id: string, keyObject: KeyObject, options: KeyOptions) {
    this.id = id
    this.createdAt = copyOf(options.createdAt)
    this.notBefore = copyOf(options.notBefore)
    this.expiresAt = copyOf(options.expiresAt)
    this.openUntil = copyOf(options.openUntil)
    this.#keyObject = keyObject
    // The id stands for these bytes, and the dates for their validity: nobody changes them afterwards.
    Object.freeze(this)
  }

  /**
   * Returns the key of 32 random bytes under an id of `[A-Za-z0-9][A-Za-z0-9._:-]{0,127}`. The bytes are copied, and the copy
   * is overwritten at once; the caller's own only with `zeroSource`.
   *
   * @throws InvalidKeyLength: not 32 bytes, or all the same · Validation: the id · Configuration: an option
   * @example
   * const key = EncryptionKey.fromBytes('orders-2026-11', randomBytes(32), { zeroSource: true })
   */
  static fromBytes(id: string, bytes: Uint8Array, options: KeyOptions = {}): EncryptionKey {
    if (!isKeyId(id)) {
      throw invalid(
        'keyId',
        'invalid-format',
        'takes 1 to 128 characters of A-Z, a-z, 0-9, ., _, : and -, a letter or digit first.',
      )
    }
    checkKeyOptions(options)
    if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
      throw new QueueError(
        'InvalidKeyLength',
        `The key ${id} is not a Uint8Array of ${KEY_BYTES} bytes; decode text first.`,
      )
    }
    if (bytes.every((byte) => byte === bytes[0])) {
      throw new QueueError(
        'InvalidKeyLength',
        `The bytes of the key ${id} are all the same: it was zeroed or never filled.`,
      )
    }
    const copy = new Uint8Array(bytes)
    const keyObject = createSecretKey(copy)
    copy.fill(0)
    if (options.zeroSource) bytes.fill(0)
    return new EncryptionKey(id, keyObject, options)
  }

  /** Drops the key. Later use throws KeyDisposed. */
  dispose(): void {
    this.#keyObject = undefined
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** What `JSON.stringify` writes: the id alone. */
  toJSON(): { id: string; material: '[REDACTED]' } {
    return { id: this.id, material: '[REDACTED]' }
  }

  toString(): string {
    return `EncryptionKey(${this.id}, [REDACTED])`
  }
}

const checkKeyOptions = (options: KeyOptions): void => {
  checkOptions(options, {
    createdAt: option.date,
    notBefore: option.date,
    expiresAt: option.date,
    openUntil: option.date,
    zeroSource: option.boolean,
  })
  const { notBefore, expiresAt, openUntil } = options
  if (notBefore && expiresAt && expiresAt <= notBefore) throw misconfigured('expiresAt', 'must be after notBefore.')
  if (expiresAt && openUntil && openUntil < expiresAt) throw misconfigured('openUntil', 'must not be before expiresAt.')
}

/**
 * Returns what node:crypto takes. For this package alone.
 * @throws KeyDisposed · Configuration: not an EncryptionKey of this copy of the package
 */
export function keyObjectOf(key: EncryptionKey): KeyObject {
  if (!(key instanceof EncryptionKey)) {
    throw misconfigured('key', 'is no EncryptionKey of this copy of @queue-runtime/crypto; install one copy only.')
  }
  const keyObject = read(key)
  if (keyObject === undefined) throw new QueueError('KeyDisposed', `The key ${key.id} was disposed.`)
  return keyObject
}
