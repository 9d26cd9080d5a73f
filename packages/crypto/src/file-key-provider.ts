import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, option } from '@queue-runtime/core/provider'
import { EncryptionKey } from './encryption-key.ts'
import { isKeyId } from './key-id.ts'
import type { KeyProvider } from './key-provider.ts'
import { decodeKeyText, isKeyText } from './key-text.ts'

/**
 * - `directory`: where the files lie, one per key, named by its id: 32 bytes, or the same in base64 or hex
 * - `currentFile`: the name of the file that holds the id of the key that seals. Default `current`
 */
export interface FileKeyProviderOptions extends Options<{ currentFile: string }> {
  readonly directory: string
}

/** Longer files are no keys: 64 characters of hex, and room for white space. */
const MAX_BYTES = 128

/** An id from an envelope may also name a folder: that is no key, and no outage either. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'EISDIR', 'ENOTDIR'])

const errorCodeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'

const unreadable = (what: string, error: unknown): QueueError<'KeyProviderError'> =>
  new QueueError('KeyProviderError', `${what} could not be read (${errorCodeOf(error)}).`)

const decodeKeyFile = (keyId: string, content: Buffer): Uint8Array => {
  if (content.length === 32) return content
  if (content.length <= MAX_BYTES) return decodeKeyText(keyId, content.toString('latin1'))
  throw new QueueError('InvalidKeyLength', `The file of the key ${keyId} has ${content.length} bytes.`)
}

/**
 * Returns keys from files, for secrets that the platform mounts. Files are read at every call, so that a rotated secret is seen;
 * put `cachedKeyProvider` over it.
 *
 * @throws Configuration naming the option
 * @example
 * const keyProvider = cachedKeyProvider(fileKeyProvider({ directory: '/run/secrets/orders' }))
 */
export function fileKeyProvider(options: FileKeyProviderOptions): KeyProvider {
  checkOptions(
    options,
    {
      directory: option.text(/./, 'a path'),
      currentFile: option.that('a file name such as a key id', isKeyId),
    },
    ['directory'],
  )
  const { directory, currentFile = 'current' } = options

  /** Without its directory no key is absent: the secret is not mounted, and messages wait for it. */
  const assertMounted = async (): Promise<void> => {
    await access(directory).catch((error: unknown) => {
      throw unreadable('The directory of keys', error)
    })
  }

  return {
    async getKey(keyId, { signal } = {}) {
      if (!isKeyId(keyId) || keyId === currentFile) return null
      const content = await readFile(join(directory, keyId), { signal }).catch(async (error: unknown) => {
        if (!ABSENT.has(errorCodeOf(error))) throw unreadable(`The file of the key ${keyId}`, error)
        await assertMounted()
        return null
      })
      if (content === null) return null
      try {
        return EncryptionKey.fromBytes(keyId, decodeKeyFile(keyId, content), { zeroSource: true })
      } finally {
        content.fill(0)
      }
    },
    async currentKeyId({ signal } = {}) {
      const text = await readFile(join(directory, currentFile), { encoding: 'utf8', signal }).catch(
        (error: unknown) => {
          throw unreadable(`The file ${currentFile}`, error)
        },
      )
      const keyId = text.trim()
      if (isKeyText(keyId)) {
        throw new QueueError(
          'KeyProviderError',
          `The file ${currentFile} holds what looks like a key, not the id of one.`,
        )
      }
      return keyId
    },
    async validKeyIds() {
      const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
        throw unreadable('The directory of keys', error)
      })
      // A mounted secret has entries of its own beside the keys (`..data`), which are no key ids.
      const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
      return names.filter((name) => isKeyId(name) && name !== currentFile)
    },
  }
}
