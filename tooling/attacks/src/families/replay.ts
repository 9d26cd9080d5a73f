import type { QueueClient } from '@queue-runtime/core'
import type { NonceStore } from '@queue-runtime/crypto'
import { startRedis } from '@queue-runtime/redis-server'
import type { Observed, Row } from '../attack.ts'
import { AT, forged, nonceOf } from '../envelope-bytes.ts'
import { codeOf, fateOf, placesOf, plant, refusalOf } from '../fates.ts'
import { type Ground, QUEUE } from '../ground.ts'
import { KEY_ID } from '../keys.ts'

const COMPLETED = 'NonceReused{completed} → removed'

/** Runs an attack on consumers that share a Redis server, each over a connection of its own. */
async function onRedis(
  { library }: Ground,
  consumers: number,
  attack: (stores: readonly NonceStore[]) => Promise<Observed>,
): Promise<Observed> {
  const server = await startRedis()
  const stores = Array.from({ length: consumers }, () => library.redisNonceStore({ url: server.url, logger: false }))
  try {
    return await attack(stores)
  } finally {
    await Promise.all(stores.map((store) => store.close()))
    await server.close()
  }
}

const storeOf = ({ library, clock }: Ground): NonceStore => library.memoryNonceStore({ clock })

/** Consumers in turn have the stores, in turn. */
const clientsOf = (ground: Ground, stores: readonly NonceStore[]): (() => QueueClient) => {
  const next = stores.values()
  const [first] = stores
  return () => {
    const nonceStore = next.next().value ?? first
    return ground.client({ nonceStore })
  }
}

async function replayHandled(ground: Ground, stores: readonly NonceStore[]): Promise<Observed> {
  const consumer = clientsOf(ground, stores)
  const original = await plant(ground)
  const client = consumer()
  const message = await client.receive({ waitMs: 0 })
  await message?.complete()
  const delivered = message === null ? 'not delivered' : 'delivered'
  const copy = await fateOf(ground, client, ground.queue().put(original))
  const other = await fateOf(ground, consumer(), ground.queue().put(original))
  return { outcome: `original: ${delivered}; copy in the queue: ${copy}; copy to another consumer: ${other}` }
}

async function deliverTwice(ground: Ground, stores: readonly NonceStore[]): Promise<Observed> {
  const consumer = clientsOf(ground, stores)
  const original = await plant(ground)
  ground.queue().put(original)
  const consumers = [consumer(), consumer()]
  const looks = await Promise.all(consumers.map((client) => client.receiveBatch({ maxMessages: 1, waitMs: 0 })))
  const rejected = looks.flatMap((look) => look.rejected)
  const winners = looks.flatMap(({ messages }) => messages)
  const places = placesOf(ground.queue())
  const refusals = rejected.map(({ error, brokerMessageId }) => `${codeOf(error)} → ${places(brokerMessageId)}`)
  for (const winner of winners) await winner.complete()
  await ground.clock.advance(5_000)
  const [left] = ground.queue().messages()
  const later = await fateOf(ground, consumer(), left?.brokerMessageId ?? '')
  const atOnce = [...refusals, ...winners.map(() => 'delivered')].join(', ')
  return { outcome: `at once: ${atOnce}; after the first was handled: ${later}` }
}

/** Copies that meet a nonce store. */
export const replayAttacks: readonly Row[] = [
  {
    number: 18,
    name: 'replays a handled message',
    by: 'queue writer',
    expected: `original: delivered; copy in the queue: ${COMPLETED}; copy to another consumer: ${COMPLETED}`,
    catches: ['grants every claim', 'forgets what was handled'],
    run: (ground) => replayHandled(ground, [storeOf(ground)]),
  },
  {
    number: 18,
    name: 'replays a handled message (Redis)',
    by: 'queue writer',
    expected: `original: delivered; copy in the queue: ${COMPLETED}; copy to another consumer: ${COMPLETED}`,
    catches: ['grants every claim', 'forgets what was handled'],
    run: (ground) => onRedis(ground, 2, (stores) => replayHandled(ground, stores)),
  },
  {
    number: 19,
    name: 'gives two copies at once to two consumers',
    by: 'broker',
    expected: `at once: NonceReused{in-flight} → kept for a later try, delivered; after the first was handled: ${COMPLETED}`,
    catches: ['grants every claim'],
    run: (ground) => deliverTwice(ground, [storeOf(ground)]),
  },
  {
    number: 19,
    name: 'gives two copies at once to two consumers (Redis)',
    by: 'broker',
    expected: `at once: NonceReused{in-flight} → kept for a later try, delivered; after the first was handled: ${COMPLETED}`,
    catches: ['grants every claim'],
    run: (ground) => onRedis(ground, 3, (stores) => deliverTwice(ground, stores)),
  },
  {
    number: 20,
    name: 'burns the nonce of a victim with a forgery',
    by: 'queue writer',
    expected: 'forgery: AuthenticationFailed → dead letter (qr.rejected); victim: delivered',
    catches: ['claims before it opens', 'looks at no tag'],
    async run(ground) {
      const victim = await plant(ground)
      ground.queue().remove(victim.brokerMessageId)
      const body = forged({ encryptedAt: ground.clock.now() })
      body.set(nonceOf(victim.body), AT.nonce)
      const client = ground.client({ nonceStore: storeOf(ground) })
      const forgery = await fateOf(ground, client, ground.queue().put({ ...victim, body }))
      const genuine = await fateOf(ground, client, ground.queue().put(victim))
      return { outcome: `forgery: ${forgery}; victim: ${genuine}` }
    },
  },
  {
    number: 23,
    name: 'holds a copy back until the store has forgotten',
    by: 'queue writer',
    expected:
      'copy after nonceCacheTtlMs: MessageExpired → dead letter (qr.expired); a shorter nonceCacheTtlMs: Configuration{nonceCacheTtlMs}',
    catches: ['judges no age', 'grants every claim'],
    async run(ground) {
      const nonceStore = storeOf(ground)
      const original = await plant(ground)
      const client = ground.client({ nonceStore })
      await (await client.receive({ waitMs: 0 }))?.complete()
      await ground.clock.advance(600_000 + 1)
      const late = await fateOf(ground, client, ground.queue().put(original))
      const shorter = await refusalOf(() => ground.crypto({ nonceStore, nonceCacheTtlMs: 300_000 + 2 * 60_000 - 1 }))
      return { outcome: `copy after nonceCacheTtlMs: ${late}; a shorter nonceCacheTtlMs: ${shorter}` }
    },
  },
  {
    number: 25,
    name: 'marks a victim as handled in the nonce store',
    by: 'nonce store writer',
    expected: `by default: ${COMPLETED} (documented limit); onReplay dead-letter: NonceReused{completed} → dead letter (qr.replayed)`,
    catches: ['forgets what was handled'],
    async run(ground) {
      const fateWith = async (onReplay: 'complete' | 'dead-letter'): Promise<string> => {
        const nonceStore = storeOf(ground)
        const victim = await plant(ground)
        const identity = { scope: QUEUE, keyId: KEY_ID, nonce: nonceOf(victim.body), token: 'attacker' }
        await nonceStore.confirm(identity, 600_000)
        return fateOf(ground, ground.client({ nonceStore, onReplay }), victim.brokerMessageId)
      }
      const suppressed = await fateWith('complete')
      const kept = await fateWith('dead-letter')
      return { outcome: `by default: ${suppressed} (documented limit); onReplay dead-letter: ${kept}` }
    },
  },
  {
    number: 44,
    name: 'reorders and omits messages',
    by: 'broker',
    expected: 'delivered: 3, 1; refused: 0 (not detected, as documented)',
    catches: [],
    async run(ground) {
      const sent = [
        await plant(ground, { body: '1' }),
        await plant(ground, { body: '2' }),
        await plant(ground, { body: '3' }),
      ]
      for (const { brokerMessageId } of sent) ground.queue().remove(brokerMessageId)
      const [first, , third] = sent
      for (const message of [third, first]) if (message !== undefined) ground.queue().put(message)
      const { messages, rejected } = await ground.client({ nonceStore: storeOf(ground) }).receiveBatch({ waitMs: 0 })
      const order = messages.map((message) => message.text()).join(', ')
      return { outcome: `delivered: ${order}; refused: ${rejected.length} (not detected, as documented)` }
    },
  },
]
