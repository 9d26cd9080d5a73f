import { isDeepStrictEqual } from 'node:util'
import type { RawMessage } from '@queue-runtime/provider-memory'
import type { Row } from '../attack.ts'
import { AT, edited, flipped } from '../envelope-bytes.ts'
import { plant } from '../fates.ts'
import { OLD_KEY_ID } from '../keys.ts'

const LIST = 'qr-auth-attrs'

/** What refusals tell whoever caused them. */
export const oracleAttacks: readonly Row[] = [
  {
    number: 42,
    name: 'reads from a refusal which check failed',
    by: 'queue writer',
    expected: '8 causes, 1 error, 1 dead-letter reason: qr.rejected',
    catches: ['tells which check failed'],
    async run(ground) {
      const message = { body: 'x', correlationId: 'request-1', attributes: { tenant: 'seven' } }
      const crypto = { authenticatedAttributes: ['tenant'] }
      const victim = await plant(ground, message, crypto)
      const { body, brokerMessageId } = victim
      ground.queue().remove(brokerMessageId)
      const last = body.length * 8 - 1
      const causes: readonly Partial<RawMessage>[] = [
        { body: flipped(body, last) },
        { body: flipped(body, last - 16 * 8) },
        { body: flipped(body, AT.nonce * 8) },
        { body: edited(body, (bytes) => bytes.write(OLD_KEY_ID, AT.keyId)) },
        { correlationId: 'request-2' },
        { sessionId: '' },
        { attributes: { tenant: 'eight', [LIST]: 'tenant' } },
        { attributes: { [LIST]: 'tenant' } },
      ]
      for (const cause of causes) ground.queue().put({ ...victim, ...cause })
      const { rejected } = await ground.client(crypto).receiveBatch({ maxMessages: 100, waitMs: 0 })
      const errors = rejected.map(({ error }) => ({ ...error.toJSON(), text: String(error), keys: Object.keys(error) }))
      const isOne = errors.every((error) => isDeepStrictEqual(error, errors[0]))
      const letters = ground
        .queue()
        .deadLetters()
        .map(({ deadLettered }) => [deadLettered?.reason, deadLettered?.description])
      const reasons = new Set(letters.map(([reason, description]) => [reason, description].filter(Boolean).join(': ')))
      return {
        outcome: `${errors.length} causes, ${isOne ? '1 error' : 'several errors'}, ${reasons.size} dead-letter reason: ${[...reasons].join(', ')}`,
      }
    },
  },
]
