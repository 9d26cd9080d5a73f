import { createQueueClient, isQueueError, type RejectedMessage } from '@queue-runtime/core'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EMBEDDED, openGround } from '../src/demo/ground.ts'
import { perQueue, QUEUES, type QueueName } from '../src/github/routes.ts'
import type { Protection } from '../src/keys.ts'
import { receiverProtection, STRICT, senderProtection } from '../src/protections.ts'

/** The two ends of each queue, with keys of this run. */
const generateKeys = async () => {
  const ground = await openGround(EMBEDDED, console)
  onTestFinished(() => ground.close())
  const ends = async (queue: QueueName) => ({
    router: senderProtection(await ground.backends.keyStore(queue), STRICT),
    bot: receiverProtection(await ground.backends.keyStore(queue), STRICT, undefined),
  })
  const all = new Map(await Promise.all(QUEUES.map(async (queue) => [queue, await ends(queue)] as const)))
  return perQueue((queue) => all.get(queue) as Awaited<ReturnType<typeof ends>>)
}

const createWorld = async () => {
  const broker = memoryBroker()
  const provider = memoryProvider({ broker })
  const open = (crypto: Protection, onRejected: (rejected: RejectedMessage) => void = () => {}) => {
    const client = createQueueClient({ provider, queue: 'task-tactician', crypto, onRejected, logger: false })
    onTestFinished(() => client.close())
    return client
  }
  return { broker, open, keys: await generateKeys() }
}

const message = { body: 'hello', messageId: 'd-1', attributes: { 'github-event': 'push', other: 'x' } }

describe('DR3: a key of its own for each queue', () => {
  it('lets the bot of a queue read what the router sealed, the event proven by the tag', async () => {
    const { open, keys } = await createWorld()
    await open(keys['task-tactician'].router).send(message)
    const received = await open(keys['task-tactician'].bot).receive({ waitMs: 0 })
    expect(received?.text()).toBe('hello')
    expect(received?.seal).toMatchObject({ keyId: 'key-a', attributes: { 'github-event': 'push' } })
  })

  it('lets no other bot read it', async () => {
    const { open, keys } = await createWorld()
    await open(keys['task-tactician'].router).send(message)
    const rejected: RejectedMessage[] = []
    const other = open(keys['merge-warden'].bot, (one) => rejected.push(one))
    expect(await other.receive({ waitMs: 0 })).toBeNull()
    expect(rejected.map(({ error }) => error.code)).toEqual(['KeyNotFound'])
  })

  it('lets no bot of another run read it, although the key has the same name', async () => {
    const { open, keys } = await createWorld()
    await open(keys['task-tactician'].router).send(message)
    const rejected: RejectedMessage[] = []
    const stranger = open((await generateKeys())['task-tactician'].bot, (one) => rejected.push(one))
    expect(await stranger.receive({ waitMs: 0 })).toBeNull()
    expect(rejected.map(({ error }) => error.code)).toEqual(['AuthenticationFailed'])
  })

  it('lets a bot send nothing', async () => {
    const { open, keys } = await createWorld()
    const sending = open(keys['task-tactician'].bot).send(message)
    await expect(sending).rejects.toSatisfy((error) => isQueueError(error, 'Configuration'))
  })

  it('lets a bot refuse plaintext, and a message whose event was edited', async () => {
    const { broker, open, keys } = await createWorld()
    await open(keys['task-tactician'].router).send(message)
    const queue = broker.queue('task-tactician')
    const [stored] = queue.messages()
    queue.replace(stored?.brokerMessageId ?? '', { attributes: { ...stored?.attributes, 'github-event': 'issues' } })
    queue.put({ messageId: 'd-2', body: Buffer.from('{}') })
    const rejected: RejectedMessage[] = []
    const bot = open(keys['task-tactician'].bot, (one) => rejected.push(one))
    expect((await bot.receiveBatch({ waitMs: 0 })).messages).toEqual([])
    expect(rejected.map(({ error }) => error.code)).toEqual(['AuthenticationFailed', 'UnencryptedMessage'])
  })
})
