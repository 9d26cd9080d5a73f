import type { Row } from '../attack.ts'
import { AT, edited, forged } from '../envelope-bytes.ts'
import { codeOf, plant } from '../fates.ts'
import type { Ground } from '../ground.ts'

/** One of each kind that is refused for good, put around a genuine message. */
async function poisonedBatch(ground: Ground): Promise<string> {
  const before = await plant(ground, { body: 'good 1' })
  const { body } = before
  const poison = [
    edited(body, (bytes) => bytes.writeUInt8(bytes.readUInt8(AT.nonce) ^ 1, AT.nonce)),
    body.slice(0, 40),
    Buffer.from('plaintext'),
    edited(body, (bytes) => bytes.writeUInt8(9, AT.version)),
    forged({ encryptedAt: ground.clock.now(), keyId: 'bogus' }),
  ]
  for (const bad of poison) ground.queue().put({ ...before, body: bad })
  await plant(ground, { body: 'good 2' })
  const { messages, rejected } = await ground.client().receiveBatch({ maxMessages: 10, waitMs: 0 })
  for (const message of messages) await message.complete()
  const letters = ground.queue().deadLetters().length
  const delivered = messages.map((message) => message.text()).join(', ')
  return `delivered ${delivered}; refused ${rejected.length}, ${letters} of them dead letters`
}

/** Tries a message with an invented key id until it is given up, and tells how often and for how long. */
async function triesOfBogusKey(ground: Ground): Promise<string> {
  const { clock } = ground
  const id = ground.queue().put({ messageId: 'bogus', body: forged({ encryptedAt: clock.now(), keyId: 'bogus' }) })
  const client = ground.client()
  const start = clock.now()
  const codes: string[] = []
  const letter = () =>
    ground
      .queue()
      .deadLetters()
      .find(({ brokerMessageId }) => brokerMessageId === id)
  while (letter() === undefined && clock.now() - start < 300_000) {
    const { rejected } = await client.receiveBatch({ waitMs: 0 })
    codes.push(...rejected.filter(({ brokerMessageId }) => brokerMessageId === id).map(({ error }) => codeOf(error)))
    if (letter() === undefined) await clock.advance(1_000)
  }
  const seconds = (clock.now() - start) / 1_000
  return `${codes.length} tries in ${seconds} s, then dead letter (${letter()?.deadLettered?.reason})`
}

/** Messages that nobody can open, in the way of those that can be. */
export const poisonAttacks: readonly Row[] = [
  {
    number: 38,
    name: 'puts poison into a batch, and at the head of a group',
    by: 'queue writer',
    expected:
      'batch: delivered good 1, good 2; refused 5, 3 of them dead letters; invented key id: 3 tries in 40 s, then dead letter (qr.unreadable)',
    catches: ['loses a batch for one message', 'retries for ever', 'deletes instead of dead-lettering'],
    async run(ground) {
      const batch = await poisonedBatch(ground)
      for (const { brokerMessageId } of ground.queue().messages()) ground.queue().remove(brokerMessageId)
      return { outcome: `batch: ${batch}; invented key id: ${await triesOfBogusKey(ground)}` }
    },
  },
]
