import { type QueueClient, QueueError, type QueueProvider } from '@queue-runtime/core'
import type { NonceStore } from '@queue-runtime/crypto'
import { memoryBroker } from '@queue-runtime/provider-memory'
import type { Row } from '../attack.ts'
import { codeOf, fateOf, plant, refusalOf } from '../fates.ts'
import { type Ground, LOCK_MS, QUEUE } from '../ground.ts'

const HELD = 'receive throws NonceStoreUnavailable → held'

/** Sends one message, receives it, lets `interrupt` end that delivery, and tells what the next consumer gets. */
async function fateAfter(
  ground: Ground,
  interrupt: (message: NonNullable<Awaited<ReturnType<QueueClient['receive']>>>) => Promise<unknown>,
): Promise<string> {
  const nonceStore = ground.library.memoryNonceStore({ clock: ground.clock })
  const { brokerMessageId } = await plant(ground)
  const message = await ground.client({ nonceStore }).receive({ waitMs: 0 })
  if (message === null) return 'not delivered at first'
  await interrupt(message)
  const next = ground.client({ nonceStore })
  const fate = await fateOf(ground, next, brokerMessageId)
  ground.queue().remove(brokerMessageId)
  return fate
}

/** A broker that loses the first acknowledgement on its way. */
const losingOne = (provider: QueueProvider): QueueProvider => ({
  name: provider.name,
  open(queue) {
    const transport = provider.open(queue)
    let isLost = false
    return {
      ...transport,
      receive: async (options) =>
        (await transport.receive(options)).map((delivery) => ({
          ...delivery,
          async complete() {
            if (isLost) return delivery.complete()
            isLost = true
            throw new QueueError('ConnectionFailed', 'The connection is gone.')
          },
        })),
    }
  },
})

/** A store that can be taken down. */
function withSwitch(store: NonceStore): { nonceStore: NonceStore; state: { isDown: boolean } } {
  const state = { isDown: false }
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    if (state.isDown) throw new Error('connect ECONNREFUSED')
    return call()
  }
  const nonceStore: NonceStore = {
    claim: (requests) => guarded(() => store.claim(requests)),
    renew: (id, leaseMs) => guarded(() => store.renew(id, leaseMs)),
    confirm: (id, retainMs) => guarded(() => store.confirm(id, retainMs)),
    release: (id, retainMs) => guarded(() => store.release(id, retainMs)),
  }
  return { nonceStore, state }
}

/** What the replay guard must not break: redelivery, and the answer to an outage. */
export const recoveryAttacks: readonly Row[] = [
  {
    number: 21,
    name: 'interrupts a delivery, so that the message comes again',
    by: 'nobody',
    expected: 'abandon: delivered; lock expiry: delivered; crash: delivered; abandon beyond maxMessageAgeMs: delivered',
    catches: ['gives no claim back', 'lets no lease end'],
    async run(ground) {
      const { clock } = ground
      const abandoned = await fateAfter(ground, (message) => message.abandon())
      const expired = await fateAfter(ground, () => clock.advance(LOCK_MS))
      // A process that dies settles nothing and closes nothing; another one receives when the lock is over.
      const crashed = await fateAfter(ground, async (message) => {
        await message.renewLock()
        await clock.advance(LOCK_MS)
      })
      const late = await fateAfter(ground, async (message) => {
        await message.abandon({ delayMs: 400_000 })
        await clock.advance(400_000)
      })
      return {
        outcome: `abandon: ${abandoned}; lock expiry: ${expired}; crash: ${crashed}; abandon beyond maxMessageAgeMs: ${late}`,
      }
    },
  },
  {
    number: 22,
    name: 'loses the acknowledgement of a handled message',
    by: 'nobody',
    expected: 'complete: ConnectionFailed; next delivery: NonceReused{completed} → removed; handled 1 time',
    catches: ['forgets what was handled', 'grants every claim'],
    async run(ground) {
      const { clock, library } = ground
      const broker = memoryBroker({ clock: ground.clock, lockMs: LOCK_MS })
      const provider = losingOne(library.memoryProvider({ broker }))
      const nonceStore = library.memoryNonceStore({ clock })
      const client = ground.client({ nonceStore }, { provider })
      await client.send({ body: 'pay 1000' })
      let handled = 0
      const message = await client.receive({ waitMs: 0 })
      if (message !== null) handled += 1
      const lost = await refusalOf(async () => message?.complete())
      await clock.advance(LOCK_MS)
      const { messages, rejected } = await client.receiveBatch({ waitMs: 0 })
      handled += messages.length
      const [refused] = rejected
      const code = refused === undefined ? 'delivered' : codeOf(refused.error)
      const place = broker.queue(QUEUE).messages().length === 0 ? 'removed' : 'kept'
      return { outcome: `complete: ${lost}; next delivery: ${code} → ${place}; handled ${handled} time` }
    },
  },
  {
    number: 24,
    name: 'takes the nonce store down, or fills it',
    by: 'nonce store writer',
    expected: `down: ${HELD}; up again: delivered; down before complete: NonceStoreUnavailable, not removed; full: ${HELD}`,
    catches: ['fails open', 'grants every claim'],
    async run(ground) {
      const { clock, library } = ground
      const { nonceStore, state } = withSwitch(library.memoryNonceStore({ clock }))
      const { brokerMessageId: id } = await plant(ground)
      const client = ground.client({ nonceStore })
      state.isDown = true
      const down = await fateOf(ground, client, id)
      state.isDown = false
      await clock.advance(LOCK_MS)
      const message = await client.receive({ waitMs: 0 })
      const up = message === null ? 'not delivered' : 'delivered'
      state.isDown = true
      const confirm = await refusalOf(async () => message?.complete())
      const isThere = ground
        .queue()
        .messages()
        .some(({ brokerMessageId }) => brokerMessageId === id)
      ground.queue().remove(id)
      const full = library.memoryNonceStore({ clock, maxRecords: 1 })
      const filler = { scope: QUEUE, keyId: 'any', nonce: new Uint8Array(12), token: 'attacker' }
      await full.confirm(filler, 600_000)
      const { brokerMessageId } = await plant(ground)
      const filled = await fateOf(ground, ground.client({ nonceStore: full }), brokerMessageId)
      const place = isThere ? 'not removed' : 'removed'
      return { outcome: `down: ${down}; up again: ${up}; down before complete: ${confirm}, ${place}; full: ${filled}` }
    },
  },
  {
    number: 24,
    name: 'takes the nonce store down while a consumer runs',
    by: 'nonce store writer',
    expected: 'down for 2 minutes: paused, delivered 1, 0, 0 times, handled 0; up again: running, handled 3, left 0',
    catches: ['fails open', 'gives back what it cannot decide'],
    async run(ground) {
      const { clock, library } = ground
      const { nonceStore, state } = withSwitch(library.memoryNonceStore({ clock }))
      for (const body of ['1', '2', '3']) await plant(ground, { body })
      state.isDown = true
      let handled = 0
      const consumer = ground.client({ nonceStore }).consume(() => {
        handled += 1
      })
      await clock.advance(120_000)
      const deliveries = ground
        .queue()
        .messages()
        .map(({ deliveryCount }) => deliveryCount)
      const down = `${consumer.state}, delivered ${deliveries.join(', ')} times, handled ${handled}`
      state.isDown = false
      await clock.advance(60_000)
      const up = `${consumer.state}, handled ${handled}`
      const left = ground.queue().messages().length + ground.queue().deadLetters().length
      return { outcome: `down for 2 minutes: ${down}; up again: ${up}, left ${left}` }
    },
  },
]
