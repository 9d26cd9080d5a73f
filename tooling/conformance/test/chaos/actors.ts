import { type ConsumeOptions, isQueueError, type MessageHandler, type OutgoingMessage } from '@queue-runtime/core'
import type { Books } from './books.ts'
import { LOCK_MS, type Scene } from './scene.ts'
import type { Part, Process } from './weather.ts'

const SESSION_COUNT = 40

const PARTS: readonly [Part, ...Part[]] = ['broker', 'key store', 'nonce store']

/** What an application may do to a message, by how often it does. */
function createHandler({ random, clock }: Scene, books: Books, by: Process): MessageHandler {
  const work = async (ms: number): Promise<void> => {
    await clock.sleep(ms)
    if (by.isDead) await new Promise(() => {})
  }
  return async (message, { signal }) => {
    books.begin(message)
    const act = random.below(100)
    if (act < 60) await work(random.below(2_000))
    else if (act < 75) {
      await work(random.below(1_000))
      throw new Error('The handler failed.')
    } else if (act < 80) await work(LOCK_MS * 2)
    else if (act < 83) await work(LOCK_MS * 5)
    else if (act < 86) {
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([aborted, work(LOCK_MS * 3)])
      throw signal.reason ?? new Error('The handler took too long.')
    } else if (act < 90) {
      // Its work is done, whatever becomes of the call.
      books.finish(message.messageId)
      await message.complete()
      throw new Error('The handler failed after it had completed its message.')
    } else if (act < 94) await message.abandon({ delayMs: random.below(3_000) })
    else if (act < 95) {
      books.done.add(message.messageId)
      await message.deadLetter({ reason: 'app.refused' })
    } else if (act < 97) throw Object.assign(new Error('hold'), { name: 'Hold' })
    else await work(0)
    const isHandled = act < 60 || (act >= 75 && act < 83) || act >= 97
    if (isHandled) books.finish(message.messageId)
  }
}

/** One consumer after the other in one place, each for a while, ended in one of three ways. */
export async function keepConsuming(
  scene: Scene,
  books: Books,
  isOver: () => boolean,
  stops: { closed: number; crashed: number },
): Promise<void> {
  const { random, clock, client, sessions } = scene
  while (!isOver()) {
    const by: Process = { isDead: false }
    const running = client(by)
    const options: ConsumeOptions = {
      concurrency: 1 + random.below(8),
      sessions,
      drainMs: random.below(5_000),
      maxAutoRenewMs: random.pick([300_000, LOCK_MS * 1.5, 0]),
      onError: (error) => (error instanceof Error && error.name === 'Hold' ? { action: 'hold' } : undefined),
    }
    const consumer = running.consume(createHandler(scene, books, by), options)
    const end = clock.now() + 5_000 + random.below(60_000)
    while (clock.now() < end && !isOver()) await clock.sleep(500)
    const way = random.below(10)
    if (way < 3) {
      by.isDead = true
      stops.crashed += 1
    } else {
      if (way < 7) await consumer.close()
      await running.close()
      stops.closed += 1
    }
  }
}

/** Sends everything, again and again where a send failed: it may have been sent all the same. */
export async function sendAll(scene: Scene, books: Books, count: number): Promise<void> {
  const { random, clock, client, sessions } = scene
  const sender = client({ isDead: false })
  const sendUntilSent = async (messages: readonly OutgoingMessage[]): Promise<void> => {
    for (let open = messages; open.length > 0; ) {
      try {
        await sender.sendBatch(open)
        return
      } catch (error) {
        if (isQueueError(error, 'BatchPartiallyFailed')) {
          const { outcomes } = error.facts
          open = open.filter((_, index) => 'error' in (outcomes[index] ?? {}))
        }
        await clock.sleep(500)
      }
    }
  }
  for (let number = 0; number < count; ) {
    const size = sessions ? 1 : Math.min(count - number, 1 + random.below(20))
    const batch = Array.from({ length: size }, (_, index) => ({
      messageId: `m-${number + index}`,
      body: `message ${number + index}`,
      ...(sessions && { sessionId: `s-${random.below(SESSION_COUNT)}` }),
    }))
    batch.forEach(books.send)
    await sendUntilSent(batch)
    number += size
    await clock.sleep(random.below(sessions ? 100 : 1_000))
  }
  await sender.close()
}

/** Outages, and an attacker who copies what is in the queue. */
export async function stirUp(scene: Scene, isOver: () => boolean, onCopy: () => void): Promise<void> {
  const { random, clock, weather, queue, sessions } = scene
  while (!isOver()) {
    await clock.sleep(1_000 + random.below(10_000))
    const part = random.pick(PARTS)
    if (random.chance(0.4)) {
      weather.turn(part, true)
      await clock.sleep(random.pick([2_000, 10_000, 45_000]))
      weather.turn(part, false)
    }
    const stored = queue.messages()
    const victim = stored[random.below(stored.length)]
    // A copy in a session is behind what was sent since, and must not be taken for one that was overtaken.
    if (victim === undefined || sessions) continue
    queue.put({ messageId: victim.messageId, body: victim.body, attributes: victim.attributes })
    onCopy()
  }
}
