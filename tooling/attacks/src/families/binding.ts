import type { BrokerQueue, StoredMessage } from '@queue-runtime/provider-memory'
import type { Row } from '../attack.ts'
import { distinct, fateOf, plant } from '../fates.ts'
import { type Ground, QUEUE } from '../ground.ts'

const REFUSED = 'AuthenticationFailed → dead letter (qr.rejected)'
const ELSEWHERE = 'refunds'
const LIST = 'qr-auth-attrs'
const LISTED = { tenant: 'seven', priority: 'low' }
const authenticatedAttributes = ['tenant', 'priority']

/** Copies a message of one queue into another that shares the key, and tells the fate of the copy there. */
async function fateElsewhere(ground: Ground, audiences: { sent?: string; read?: string }): Promise<string> {
  const original = await plant(ground, { body: 'hello' }, { audience: audiences.sent })
  const copy = ground.queue(ELSEWHERE).put(original)
  const client = ground.client({ audience: audiences.read }, { queue: ELSEWHERE })
  return fateOf(ground, client, copy, ELSEWHERE)
}

/** Sets the first message aside and returns its dead letter, as an operator or an attacker finds it. */
async function deadLetterOf(ground: Ground): Promise<StoredMessage | undefined> {
  const message = await ground.client().receive({ waitMs: 0 })
  await message?.deadLetter({ reason: 'app.failed' })
  return ground.queue().deadLetters()[0]
}

/** Puts a letter back and returns its new id. Each queue counts on its own: what it gives may be the old id by chance. */
function putAgain(queue: BrokerQueue, letter: StoredMessage): string {
  const id = queue.put(letter)
  if (id !== letter.brokerMessageId) return id
  queue.remove(id)
  return queue.put(letter)
}

/** What of its surroundings a message is bound to, and what not. */
export const bindingAttacks: readonly Row[] = [
  {
    number: 34,
    name: 'copies a message to another queue with the same key',
    by: 'queue writer',
    expected: `without audience: delivered (documented limit); with audiences: ${REFUSED}`,
    catches: ['knows no audience', 'binds the queue'],
    async run(ground) {
      const without = await fateElsewhere(ground, {})
      const wrong = [
        await fateElsewhere(ground, { sent: QUEUE, read: ELSEWHERE }),
        await fateElsewhere(ground, { sent: QUEUE }),
        await fateElsewhere(ground, { read: ELSEWHERE }),
      ]
      return { outcome: `without audience: ${without} (documented limit); with audiences: ${distinct(wrong)}` }
    },
  },
  {
    number: 35,
    name: 'moves a dead letter back, and to another queue, under new broker ids',
    by: 'nobody',
    expected: 'same queue: delivered under a new broker id; other queue: delivered under a new broker id',
    catches: ['binds the queue', 'deletes instead of dead-lettering'],
    async run(ground) {
      const outcomes: string[] = []
      for (const [name, queue] of [['same queue', QUEUE] as const, ['other queue', ELSEWHERE] as const]) {
        await plant(ground)
        const letter = await deadLetterOf(ground)
        if (letter === undefined) return { outcome: 'the dead letter is lost' }
        ground.queue().remove(letter.brokerMessageId)
        const id = putAgain(ground.queue(queue), letter)
        const fate = await fateOf(ground, ground.client({}, { queue }), id, queue)
        outcomes.push(`${name}: ${fate} under ${id === letter.brokerMessageId ? 'the old' : 'a new'} broker id`)
      }
      return { outcome: outcomes.join('; ') }
    },
  },
  {
    number: 36,
    name: 'edits a listed attribute, or the list',
    by: 'queue writer',
    expected: `unchanged: delivered; changed: ${REFUSED}`,
    catches: ['authenticates no attributes', 'leaves the context out of the tag'],
    async run(ground) {
      const list = 'priority,tenant'
      const changes: readonly Record<string, string>[] = [
        { ...LISTED, tenant: 'eight', [LIST]: list },
        { tenant: 'seven', [LIST]: list },
        { ...LISTED },
        { ...LISTED, [LIST]: '' },
        { ...LISTED, [LIST]: 'tenant' },
        { ...LISTED, [LIST]: 'tenant,priority' },
        { ...LISTED, [LIST]: 'priority,tenant,tenant' },
        { ...LISTED, extra: 'x', [LIST]: 'extra,priority,tenant' },
      ]
      const fateWith = async (attributes?: Record<string, string>): Promise<string> => {
        const { brokerMessageId } = await plant(ground, { body: 'x', attributes: LISTED }, { authenticatedAttributes })
        if (attributes !== undefined) ground.queue().replace(brokerMessageId, { attributes })
        return fateOf(ground, ground.client(), brokerMessageId)
      }
      const changed: string[] = []
      for (const attributes of changes) changed.push(await fateWith(attributes))
      return {
        outcome: `unchanged: ${await fateWith()}; changed: ${distinct(changed)}`,
        facts: { changes: changes.length },
      }
    },
  },
  {
    number: 37,
    name: 'edits an attribute that is not listed',
    by: 'queue writer',
    expected: 'delivered with the edit (documented limit), authenticated: tenant',
    catches: ['shows every attribute as authenticated'],
    async run(ground) {
      const attributes = { tenant: 'seven', colour: 'red' }
      const crypto = { authenticatedAttributes: ['tenant'] }
      const victim = await plant(ground, { body: 'x', attributes }, crypto)
      const edited = { ...victim.attributes, colour: 'blue' }
      ground.queue().replace(victim.brokerMessageId, { attributes: edited })
      const message = await ground.client(crypto).receive({ waitMs: 0 })
      const what = message?.attributes.colour === 'blue' ? 'delivered with the edit' : 'not delivered with the edit'
      const names = Object.keys(message?.seal?.attributes ?? {})
      return { outcome: `${what} (documented limit), authenticated: ${names.join(', ')}` }
    },
  },
]
