import { fakeClock } from '@queue-runtime/core/testing'
import type { Row } from '../attack.ts'
import { retimed } from '../envelope-bytes.ts'
import { fateOf, plant } from '../fates.ts'
import { NOW } from '../ground.ts'

const MINUTE_MS = 60_000
/** The default of `maxMessageAgeMs`. */
const MAX_AGE_MS = 5 * MINUTE_MS

/** What can be done with the time in a sealed body, and by keeping it back. */
export const timeAttacks: readonly Row[] = [
  {
    number: 14,
    name: 'edits the time to look fresh',
    by: 'queue writer',
    expected:
      'as it was: MessageExpired → dead letter (qr.expired); edited: AuthenticationFailed → dead letter (qr.rejected)',
    catches: ['leaves the header out of the tag', 'judges no age'],
    async run(ground) {
      const victim = await plant(ground)
      await ground.clock.advance(2 * MAX_AGE_MS)
      const client = ground.client()
      const original = await fateOf(ground, client, victim.brokerMessageId)
      const edited = ground.queue().put({ ...victim, body: retimed(victim.body, ground.clock.now()) })
      return { outcome: `as it was: ${original}; edited: ${await fateOf(ground, client, edited)}` }
    },
  },
  {
    number: 15,
    name: 'edits the time to look old',
    by: 'queue writer',
    expected:
      'MessageExpired → dead letter (qr.expired); with a nonce store: AuthenticationFailed → dead letter (qr.rejected)',
    catches: ['judges no age', 'deletes instead of dead-lettering'],
    async run(ground) {
      const old = NOW - 2 * MAX_AGE_MS
      const fateWith = async (crypto: Parameters<typeof ground.client>[0]): Promise<string> => {
        const { brokerMessageId, body } = await plant(ground)
        ground.queue().replace(brokerMessageId, { body: retimed(body, old) })
        return fateOf(ground, ground.client(crypto), brokerMessageId)
      }
      const untracked = await fateWith({})
      const tracked = await fateWith({ nonceStore: ground.library.memoryNonceStore({ clock: ground.clock }) })
      return { outcome: `${untracked}; with a nonce store: ${tracked}` }
    },
  },
  {
    number: 16,
    name: 'replays a copy after the window',
    by: 'queue writer',
    expected:
      'original: delivered; copy in the last millisecond: delivered; copy after it: MessageExpired → dead letter (qr.expired)',
    catches: ['judges no age'],
    async run(ground) {
      const original = await plant(ground)
      const client = ground.client()
      const first = await fateOf(ground, client, original.brokerMessageId)
      await ground.clock.advance(MAX_AGE_MS)
      const last = await fateOf(ground, client, ground.queue().put(original))
      await ground.clock.advance(1)
      const late = await fateOf(ground, client, ground.queue().put(original))
      return { outcome: `original: ${first}; copy in the last millisecond: ${last}; copy after it: ${late}` }
    },
  },
  {
    number: 17,
    name: 'replays a copy inside the window, without a nonce store',
    by: 'queue writer',
    expected: 'original: delivered; copy: delivered (documented limit)',
    catches: [],
    async run(ground) {
      const original = await plant(ground)
      const client = ground.client()
      const message = await client.receive({ waitMs: 0 })
      await message?.complete()
      await ground.clock.advance(MINUTE_MS)
      const copy = await fateOf(ground, client, ground.queue().put(original))
      return {
        outcome: `original: ${message === null ? 'not delivered' : 'delivered'}; copy: ${copy} (documented limit)`,
      }
    },
  },
  {
    number: 43,
    name: 'runs a sender whose clock is ahead',
    by: 'nobody',
    expected: '+30 s: delivered; +2 min: MessageFromFuture → kept for a later try',
    catches: ['judges no future'],
    async run(ground) {
      const fateAhead = async (aheadMs: number): Promise<string> => {
        const sender = ground.client({}, { clock: fakeClock(NOW + aheadMs) })
        const { messageId } = await sender.send({ body: 'hello' })
        const stored = ground.queue().messages()
        const id = stored.find((message) => message.messageId === messageId)?.brokerMessageId ?? ''
        return fateOf(ground, ground.client(), id)
      }
      return { outcome: `+30 s: ${await fateAhead(30_000)}; +2 min: ${await fateAhead(2 * MINUTE_MS)}` }
    },
  },
]
