import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import { expect, test } from 'vitest'
import { connect, emulate, listen, message, take } from './support.ts'

// rhea, under the SDK, writes the first two settlements of a link in one tick as one frame with the outcome of the first,
// where the deliveries follow each other; so it does with all completions right behind the second, where that is one (rhea
// 3.0.5, lib/session.js, write_dispositions). All promises are kept. What is shown here is that fault of the client: who
// builds on the SDK has to keep settlements apart.

type Settle = (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) => Promise<void>

const complete: Settle = (receiver, held) => receiver.completeMessage(held)
const abandon: Settle = (receiver, held) => receiver.abandonMessage(held)
const defer: Settle = (receiver, held) => receiver.deferMessage(held)
const bury =
  (reason: string): Settle =>
  (receiver, held) =>
    receiver.deadLetterMessage(held, { deadLetterReason: reason, deadLetterErrorDescription: reason })

type Together = (calls: readonly (() => Promise<void>)[]) => Promise<void>

const inOneTick: Together = async (calls) => {
  await Promise.all(calls.map((call) => call()))
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** All under way at the same time, each written in a tick of its own. */
const inTicksOfTheirOwn: Together = async (calls) => {
  const started: Promise<void>[] = []
  for (const call of calls) {
    started.push(call())
    await tick()
  }
  await Promise.all(started)
}

/** What became of messages that were delivered in one go and settled `together`. */
async function fates(settles: readonly Settle[], together: Together): Promise<string[]> {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const sent = settles.map((_, index) => message(`${index}`, { messageId: `${index}` }))
  await client.createSender('orders').sendMessages(sent)
  const receiver = listen(client, 'orders')
  const held = await take(receiver, settles.length)
  await together(held.map((each, index) => () => (settles[index] ?? complete)(receiver, each)))
  const queue = emulator.queue('orders')
  const found = new Map<string | undefined, string>()
  for (const { messageId, state, deliveryCount } of queue.messages()) {
    found.set(messageId, deliveryCount > 0 ? 'abandoned' : state)
  }
  for (const { messageId, applicationProperties } of queue.deadLetters()) {
    found.set(messageId, `dead letter ${String(applicationProperties.DeadLetterReason)}`)
  }
  return sent.map(({ messageId }) => found.get(String(messageId)) ?? 'completed')
}

const CASES: readonly {
  readonly name: string
  readonly settles: readonly Settle[]
  readonly asked: readonly string[]
  readonly merged: readonly string[]
}[] = [
  {
    name: 'a dead letter behind a completion is lost',
    settles: [complete, bury('A')],
    asked: ['completed', 'dead letter A'],
    merged: ['completed', 'completed'],
  },
  {
    name: 'completions behind an abandon come back',
    settles: [abandon, complete, complete],
    asked: ['abandoned', 'completed', 'completed'],
    merged: ['abandoned', 'abandoned', 'abandoned'],
  },
  {
    name: 'the second of two dead letters gets the reason of the first',
    settles: [bury('A'), bury('B')],
    asked: ['dead letter A', 'dead letter B'],
    merged: ['dead letter A', 'dead letter A'],
  },
  {
    name: 'an abandon behind a deferral is deferred',
    settles: [defer, abandon],
    asked: ['deferred', 'abandoned'],
    merged: ['deferred', 'deferred'],
  },
  {
    name: 'a run of several completions before another outcome is kept apart',
    settles: [complete, complete, bury('A')],
    asked: ['completed', 'completed', 'dead letter A'],
    merged: ['completed', 'completed', 'dead letter A'],
  },
  {
    name: 'completions alone do no harm',
    settles: [complete, complete, complete],
    asked: ['completed', 'completed', 'completed'],
    merged: ['completed', 'completed', 'completed'],
  },
]

test.each(CASES)('settled in one tick: $name', async ({ settles, merged }) => {
  expect(await fates(settles, inOneTick)).toEqual(merged)
})

test.each(CASES)(
  'settled in ticks of their own, each gets what was asked for (where else $name)',
  async ({ settles, asked }) => {
    expect(await fates(settles, inTicksOfTheirOwn)).toEqual(asked)
  },
)

test('settlements of two links in one tick are never merged', async () => {
  const emulator = await emulate({ queues: ['orders', 'jobs'] })
  const client = connect(emulator)
  for (const queue of ['orders', 'jobs']) await client.createSender(queue).sendMessages(message(queue))
  const [orders, jobs] = [listen(client, 'orders'), listen(client, 'jobs')]
  const [[order], [job]] = [await take(orders, 1), await take(jobs, 1)]
  if (order === undefined || job === undefined) throw new Error('There is no message.')
  await Promise.all([complete(orders, order), bury('A')(jobs, job)])
  expect(emulator.queue('orders').messages()).toEqual([])
  expect(emulator.queue('jobs').deadLetters()).toHaveLength(1)
})

test('one abandon in front of 999 completions brings all of them back', async () => {
  const settles = [abandon, ...Array<Settle>(999).fill(complete)]
  expect(new Set(await fates(settles, inOneTick))).toEqual(new Set(['abandoned']))
  const apart = await fates(settles, inTicksOfTheirOwn)
  expect(apart.filter((fate) => fate === 'completed')).toHaveLength(999)
})

test('1000 settlements of all kinds, each in a tick of its own, have the outcome that was asked for', async () => {
  const kinds = [
    [complete, 'completed'],
    [abandon, 'abandoned'],
    [bury('A'), 'dead letter A'],
    [defer, 'deferred'],
    [bury('B'), 'dead letter B'],
  ] as const
  const chosen = Array.from({ length: 1_000 }, (_, index) => kinds[(index * 7 + (index >> 3)) % 5] ?? kinds[0])
  const settles = chosen.map(([settle]) => settle)
  const asked = chosen.map(([, fate]) => fate)
  expect(await fates(settles, inTicksOfTheirOwn)).toEqual(asked)
})
