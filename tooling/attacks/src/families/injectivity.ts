import type { OutgoingMessage } from '@queue-runtime/core'
import { aesGcmCryptoProvider, type CryptoProvider } from '@queue-runtime/crypto'
import type { Row } from '../attack.ts'
import { distinct, fateOf, plant } from '../fates.ts'
import type { Ground } from '../ground.ts'
import { bothKeys } from '../keys.ts'

const IDS = ['a', 'b', 'ab', 'aab'] as const
const OPTIONAL = [undefined, 'a', 'b', 'ab'] as const
const ATTRIBUTES = [{}, { a: '' }, { a: 'b' }, { ab: '' }, { a: 'ab' }, { a: '', b: '' }, { a: 'b', b: 'a' }] as const

/** Texts of two letters over every field: a boundary that moves between two of them gives the same letters in a row. */
const messages: readonly OutgoingMessage[] = IDS.flatMap((messageId) =>
  OPTIONAL.flatMap((sessionId) =>
    OPTIONAL.flatMap((correlationId) =>
      ATTRIBUTES.map((attributes) => ({ body: '', messageId, sessionId, correlationId, attributes })),
    ),
  ),
)

/** Seals every message under every audience and returns what the cipher was told to authenticate. */
async function associatedDataOf(ground: Ground): Promise<string[]> {
  const seen: string[] = []
  const cipher = aesGcmCryptoProvider(bothKeys(), { clock: ground.clock })
  const cryptoProvider: CryptoProvider = {
    encrypt(keyId, plaintext, associatedData, options) {
      seen.push(Buffer.from(associatedData).toString('hex'))
      return cipher.encrypt(keyId, plaintext, associatedData, options)
    },
    decrypt: cipher.decrypt,
  }
  for (const audience of OPTIONAL) {
    const client = ground.client({ cryptoProvider, audience, authenticatedAttributes: ['a', 'ab', 'b'] })
    await client.sendBatch(messages)
  }
  return seen
}

export const injectivityAttacks: readonly Row[] = [
  {
    number: 12,
    name: 'moves a boundary between two fields',
    by: 'queue writer',
    expected: '1792 contexts, 1792 encodings; "a"+"bc" for "ab"+"c": AuthenticationFailed → dead letter (qr.rejected)',
    catches: ['joins the fields of the context without their lengths', 'leaves the context out of the tag'],
    async run(ground) {
      const { brokerMessageId } = await plant(ground, { body: 'x', messageId: 'ab', sessionId: 'c' })
      ground.queue().replace(brokerMessageId, { messageId: 'a', sessionId: 'bc' })
      const fate = await fateOf(ground, ground.client(), brokerMessageId)
      const seen = await associatedDataOf(ground)
      const encodings = new Set(seen).size
      return { outcome: `${seen.length} contexts, ${encodings} encodings; "a"+"bc" for "ab"+"c": ${distinct([fate])}` }
    },
  },
]
