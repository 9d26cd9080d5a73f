import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  getLocalCryptographicMaterialsCache,
  NodeCachingMaterialsManager,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node'
import type { CryptoContender, Setting } from './contender.ts'

const { ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384: SIGNED } = AlgorithmSuiteIdentifier
const { ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY: UNSIGNED } = AlgorithmSuiteIdentifier

const HOUR_MS = 3_600_000

/** The same context for every message: one that differs would never be found in the cache. */
const ENCRYPTION_CONTEXT = { queue: 'bench' }

/**
 * Each body under a data key of its own that a local AES key wraps, or under a cached data key; with the signature that is the
 * default of that library, and without, which is the work that comes nearest to ours.
 */
export function awsEncryptionSdk({ keyId, keyBytes }: Setting): CryptoContender[] {
  const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
  const keyring = (): RawAesKeyringNode =>
    new RawAesKeyringNode({
      keyName: keyId,
      keyNamespace: 'bench',
      unencryptedMasterKey: new Uint8Array(keyBytes),
      wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    })
  const cached = (): NodeCachingMaterialsManager =>
    new NodeCachingMaterialsManager({
      backingMaterials: keyring(),
      cache: getLocalCryptographicMaterialsCache(100),
      maxAge: HOUR_MS,
    })
  const contender = (
    name: string,
    suiteId: AlgorithmSuiteIdentifier,
    materials: RawAesKeyringNode | NodeCachingMaterialsManager,
  ): CryptoContender => ({
    name: `AWS Encryption SDK, ${name}`,
    async run(body) {
      const { result } = await encrypt(materials, body, { suiteId, encryptionContext: ENCRYPTION_CONTEXT })
      return (await decrypt(materials, result)).plaintext
    },
  })
  return [
    contender('default suite', SIGNED, keyring()),
    contender('default suite, cached', SIGNED, cached()),
    contender('unsigned', UNSIGNED, keyring()),
    contender('unsigned, cached', UNSIGNED, cached()),
  ]
}
