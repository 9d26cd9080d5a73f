import type { OutgoingMessage } from '@queue-runtime/core'
import type { RawMessage } from '@queue-runtime/provider-memory'
import type { Row } from '../attack.ts'
import { distinct, fateOf, fatesOf, plant, tally } from '../fates.ts'
import type { Ground } from '../ground.ts'

const REFUSED = 'AuthenticationFailed → dead letter (qr.rejected)'

/** Sends a message, edits what stands beside its body, and tells its fate. */
async function fateOfEdited(ground: Ground, message: OutgoingMessage, change: Partial<RawMessage>): Promise<string> {
  const { brokerMessageId } = await plant(ground, message)
  ground.queue().replace(brokerMessageId, change)
  return fateOf(ground, ground.client(), brokerMessageId)
}

const fatesOfEdited = async (
  ground: Ground,
  edits: readonly (readonly [message: OutgoingMessage, change: Partial<RawMessage>])[],
): Promise<string[]> => {
  const fates: string[] = []
  for (const [message, change] of edits) fates.push(await fateOfEdited(ground, message, change))
  return fates
}

const FULL = { body: 'pay 1000', sessionId: 'tenant-7', correlationId: 'request-1' }

/** What stands beside a body, put beside another one. */
export const contextAttacks: readonly Row[] = [
  {
    number: 8,
    name: 'swaps the bodies of two messages',
    by: 'queue writer',
    expected: `0 of 2 delivered: ${REFUSED}`,
    catches: ['leaves the context out of the tag', 'looks at no tag'],
    async run(ground) {
      const one = await plant(ground, { body: 'one' })
      const other = await plant(ground, { body: 'other' })
      ground.queue().replace(one.brokerMessageId, { body: other.body })
      ground.queue().replace(other.brokerMessageId, { body: one.body })
      const ids = [one.brokerMessageId, other.brokerMessageId]
      return { outcome: tally(await fatesOf(ground, ground.client(), ids)) }
    },
  },
  {
    number: 9,
    name: 're-posts a message under a new id',
    by: 'queue writer',
    expected: `original: delivered; copy: ${REFUSED}`,
    catches: ['leaves the context out of the tag'],
    async run(ground) {
      const original = await plant(ground)
      const copy = ground.queue().put({ ...original, messageId: 'a-new-id' })
      const fates = await fatesOf(ground, ground.client(), [original.brokerMessageId, copy])
      return { outcome: `original: ${fates[0]}; copy: ${fates[1]}` }
    },
  },
  {
    number: 10,
    name: 'moves a message to another session',
    by: 'queue writer',
    expected: REFUSED,
    catches: ['tells the session by the word of the broker', 'leaves the context out of the tag'],
    run: async (ground) => ({ outcome: await fateOfEdited(ground, FULL, { sessionId: 'tenant-8' }) }),
  },
  {
    number: 11,
    name: 'drops session or correlation id, or empties it',
    by: 'queue writer',
    expected: `dropped or emptied: ${REFUSED}; empty instead of absent: correlation delivered, session ${REFUSED}`,
    catches: ['tells the session by the word of the broker'],
    async run(ground) {
      const dropped = await fatesOfEdited(ground, [
        [FULL, { sessionId: undefined }],
        [FULL, { correlationId: undefined }],
        [FULL, { sessionId: '' }],
        [FULL, { correlationId: '' }],
      ])
      const correlation = await fatesOfEdited(ground, [
        [{ body: 'x' }, { correlationId: '' }],
        [{ body: 'x', correlationId: '' }, { correlationId: undefined }],
      ])
      const session = await fateOfEdited(ground, { body: 'x' }, { sessionId: '' })
      const emptied = `correlation ${distinct(correlation)}, session ${session}`
      return { outcome: `dropped or emptied: ${distinct(dropped)}; empty instead of absent: ${emptied}` }
    },
  },
  {
    number: 13,
    name: 'changes the correlation id to steal a reply',
    by: 'queue writer',
    expected: REFUSED,
    catches: ['leaves the context out of the tag'],
    run: async (ground) => ({ outcome: await fateOfEdited(ground, FULL, { correlationId: 'request-2' }) }),
  },
]
