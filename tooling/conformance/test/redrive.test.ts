import { type DeadLetter, type QueueClient, QueueError } from '@queue-runtime/core'
import { memoryNonceStore } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { meterRecorder, valuesOf } from '../../../packages/core/test/telemetry-support.ts'
import { type Desk, LOCK_MS, minutes, rotate, setUpDesk } from './letters-support.ts'

const down = (): QueueError => new QueueError('ConnectionFailed', 'The broker does not answer.')
const denied = (): QueueError => new QueueError('PermissionDenied', 'You may not.')

const redrive = (client: QueueClient) => client.deadLetters().redrive()

/** The message that lies in the queue, as the broker sees it. */
const onWire = ({ stored }: Desk) => {
  const [message, another] = stored.messages()
  if (message === undefined || another !== undefined) throw new Error('Not exactly one message is there.')
  return message
}

describe('a redriven letter', () => {
  it('comes again under its id, with its session, its fields and all its attributes (D3, D5)', async () => {
    const desk = setUpDesk({ authenticatedAttributes: ['tenant'] })
    const fields = {
      ...{ messageId: 'm-1', sessionId: 's', correlationId: 'c', contentType: 'text/plain' },
      attributes: { tenant: 'blue', colour: 'red' },
    }
    await desk.client.send({ body: 'hello', ...fields })
    await (await desk.next()).deadLetter({ reason: 'r' })
    expect(await redrive(desk.client)).toEqual({ redriven: 1, skipped: 0, failed: [] })
    const message = await desk.next()
    expect(message).toMatchObject({ ...fields, deliveryCount: 1, seal: { attributes: { tenant: 'blue' } } })
    expect(message.text()).toBe('hello')
    expect(desk.letters()).toEqual([])
  })

  it('is sealed with the current key at the current time; the wire tells since when it had been sealed (D5, protocol.md 4.1)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const old = desk.stored.deadLetters()[0]
    await desk.clock.advance(minutes(60))
    rotate(desk)
    await redrive(desk.client)
    const wire = onWire(desk)
    expect(wire.attributes).toEqual({ 'qr-resealed-from': '2026-01-01T00:00:00.000Z' })
    expect(Buffer.from(wire.body).equals(Buffer.from(old?.body ?? []))).toBe(false)
    const { seal, attributes } = await desk.next()
    expect(seal).toMatchObject({ keyId: 'key-2', encryptedAt: new Date(desk.clock.now()) })
    expect(attributes).toEqual({})
  })

  it('that is redriven again tells the time of the seal that was replaced last (protocol.md 4.1)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    await desk.clock.advance(minutes(1))
    await redrive(desk.client)
    await (await desk.next()).deadLetter({ reason: 'again' })
    await desk.clock.advance(minutes(1))
    await redrive(desk.client)
    expect(onWire(desk).attributes).toEqual({ 'qr-resealed-from': '2026-01-01T00:01:00.000Z' })
  })

  it('arrives at a broker that drops duplicates, each time (D3, protocol.md 2)', async () => {
    const desk = setUpDesk({}, { deduplicationWindowMs: minutes(60) })
    await desk.bury('m-1')
    for (const reason of ['once', 'twice']) {
      expect(await redrive(desk.client)).toMatchObject({ redriven: 1 })
      await (await desk.next()).deadLetter({ reason })
    }
    expect(desk.letters()).toEqual(['m-1'])
    await desk.client.send({ messageId: 'm-1', body: 'a copy' })
    expect(desk.stored.messages()).toEqual([])
  })

  it('that the broker took, whose answer was lost, is not stored twice there: retries keep the deduplication id (R4)', async () => {
    const desk = setUpDesk({}, { deduplicationWindowMs: minutes(60) })
    await desk.bury('m-1')
    desk.faults = ({ operation, nth }) => (operation === 'send' && nth === 2 ? { failAfter: down() } : undefined)
    const report = redrive(desk.client)
    await desk.clock.advance(5_000)
    expect(await report).toMatchObject({ redriven: 1 })
    expect(desk.stored.messages()).toHaveLength(1)
  })

  it('is fresh again, and new to a replay guard that handled the old envelope half (D5, A26, A29)', async () => {
    const desk = setUpDesk()
    const guarded = desk.another({ nonceStore: memoryNonceStore({ clock: desk.clock }) })
    await desk.client.send({ body: 'hello', messageId: 'm-1' })
    await (await desk.next(guarded)).deadLetter({ reason: 'r' })
    await desk.clock.advance(minutes(60))
    expect(await redrive(guarded)).toMatchObject({ redriven: 1 })
    const message = await desk.next(guarded)
    expect([message.messageId, message.text()]).toEqual(['m-1', 'hello'])
    await message.complete()
    expect(desk.stored.messages()).toEqual([])
  })

  it('is delivered though a copy of the old envelope was handled to the end (A29)', async () => {
    const desk = setUpDesk()
    const guarded = desk.another({ nonceStore: memoryNonceStore({ clock: desk.clock }) })
    await desk.client.send({ body: 'hello', messageId: 'm-1' })
    const copy = onWire(desk)
    await (await desk.next(guarded)).deadLetter({ reason: 'r' })
    desk.stored.put(copy)
    await (await desk.next(guarded)).complete()
    await redrive(guarded)
    expect((await desk.next(guarded)).messageId).toBe('m-1')
  })

  it('keeps the trace that it belongs to (O10)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const [letter] = desk.stored.deadLetters()
    desk.stored.replace(letter?.brokerMessageId ?? '', { attributes: { traceparent, tracestate: 'a=1' } })
    await redrive(desk.client)
    expect(onWire(desk).attributes).toMatchObject({ traceparent, tracestate: 'a=1' })
  })
})

describe('a redrive vouches for nothing that the letter did not prove', () => {
  /** A letter that whoever can write to the broker gave these attributes. */
  const buryWith = async (desk: Desk, attributes: Record<string, string>): Promise<void> => {
    await desk.bury('m-1')
    const [letter] = desk.stored.deadLetters()
    desk.stored.replace(letter?.brokerMessageId ?? '', { attributes: { ...letter?.attributes, ...attributes } })
  }

  it('so an attribute that was added to a letter is not authenticated (protocol.md 2, attack 37)', async () => {
    const desk = setUpDesk({ authenticatedAttributes: ['tenant'] })
    await buryWith(desk, { tenant: 'victim' })
    await redrive(desk.client)
    const { attributes, seal } = await desk.next()
    expect([attributes, seal?.attributes]).toEqual([{ tenant: 'victim' }, {}])
  })

  it('and what it proved stays proven, whatever the client that redrives was told to authenticate', async () => {
    const desk = setUpDesk({ authenticatedAttributes: ['tenant'] })
    await desk.client.send({ body: 'a', attributes: { tenant: 'blue' } })
    await (await desk.next()).deadLetter({ reason: 'r' })
    await redrive(desk.another({ authenticatedAttributes: [] }))
    expect((await desk.next()).seal?.attributes).toEqual({ tenant: 'blue' })
  })

  it('so a letter whose attribute was edited stays, and is reported (A25, attack 36)', async () => {
    const desk = setUpDesk({ authenticatedAttributes: ['tenant'] })
    await desk.client.send({ messageId: 'm-1', body: 'a', attributes: { tenant: 'blue' } })
    await (await desk.next()).deadLetter({ reason: 'r' })
    const [letter] = desk.stored.deadLetters()
    desk.stored.replace(letter?.brokerMessageId ?? '', { attributes: { ...letter?.attributes, tenant: 'red' } })
    const { failed } = await redrive(desk.client)
    expect(failed).toMatchObject([{ messageId: 'm-1', error: { code: 'AuthenticationFailed', operation: 'receive' } }])
    expect([desk.letters(), desk.stored.messages()]).toEqual([['m-1'], []])
  })

  it('and attributes of the library that others wrote into a letter are not carried on', async () => {
    const desk = setUpDesk()
    await buryWith(desk, { 'qr-resealed-from': '1999-01-01T00:00:00.000Z', 'qr-invented': 'x', 'Diagnostic-Id': 'y' })
    await redrive(desk.client)
    expect(onWire(desk).attributes).toEqual({ 'qr-resealed-from': '2026-01-01T00:00:00.000Z' })
  })
})

describe('a letter that cannot be sent again stays where it is', () => {
  it('when its tag fails, while the others go (A25, D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    const [, second] = desk.stored.deadLetters()
    desk.stored.replace(second?.brokerMessageId ?? '', { correlationId: 'forged' })
    const report = await redrive(desk.client)
    expect(report).toMatchObject({
      redriven: 2,
      skipped: 0,
      failed: [{ messageId: 'm-2', error: { code: 'AuthenticationFailed' } }],
    })
    expect(desk.letters()).toEqual(['m-2'])
    expect(desk.stored.deadLetters()[0]).toMatchObject({ state: 'active' })
  })

  it('when it is plaintext and plaintext is refused (A37, protocol.md 4.1)', async () => {
    const desk = setUpDesk()
    desk.stored.put({ messageId: 'm-1', body: Buffer.from('clear') })
    expect(await desk.client.receive({ waitMs: 0 })).toBe(null)
    expect(await redrive(desk.client)).toMatchObject({ failed: [{ error: { code: 'UnencryptedMessage' } }] })
    expect(desk.letters()).toEqual(['m-1'])
  })

  it('when the key that sealed it is gone (A28)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    rotate(desk)
    desk.keys.remove('key-1')
    expect(await redrive(desk.client)).toMatchObject({
      failed: [{ error: { code: 'KeyNotFound', facts: { keyId: 'key-1' } } }],
    })
    expect(desk.letters()).toEqual(['m-1'])
  })

  it('when the queue is full, for as long as that was tried (R3)', async () => {
    const desk = setUpDesk({}, { maxQueueSize: 1 })
    await desk.bury('m-1')
    await desk.client.send({ body: 'fills it' })
    const report = redrive(desk.client)
    await desk.clock.advance(minutes(1))
    expect(await report).toMatchObject({ redriven: 0, failed: [{ error: { code: 'Throttled' } }] })
    expect(desk.letters()).toEqual(['m-1'])
  })
})

describe('a plaintext letter where plaintext is allowed', () => {
  it('is sent as the client sends: sealed where it seals (protocol.md 4.1)', async () => {
    const desk = setUpDesk({ plaintextPolicy: 'allow' })
    const plain = desk.another({ enabled: false })
    await plain.send({ body: 'clear', messageId: 'm-1' })
    await (await desk.next(plain)).deadLetter({ reason: 'r' })
    expect(await redrive(desk.client)).toMatchObject({ redriven: 1 })
    expect(onWire(desk).attributes).toEqual({})
    const message = await desk.next()
    expect([message.text(), message.seal?.keyId]).toEqual(['clear', 'key-1'])
  })

  it('is sent as the client sends: in clear where it does not seal (protocol.md 4.1)', async () => {
    const desk = setUpDesk({ plaintextPolicy: 'allow' })
    const plain = desk.another({ enabled: false })
    await plain.send({ body: 'clear', messageId: 'm-1' })
    await (await desk.next(plain)).deadLetter({ reason: 'r' })
    expect(await redrive(plain)).toMatchObject({ redriven: 1 })
    expect(Buffer.from(onWire(desk).body).toString()).toBe('clear')
  })
})

describe('what concerns every letter ends the pass, with every letter in its place', () => {
  it.each([
    ['a client that only receives', 'Configuration', { enabled: undefined }, () => undefined],
    ['an identity that may not send', 'PermissionDenied', {}, (operation: string) => operation === 'send'],
    ['an identity that may not read letters', 'PermissionDenied', {}, (operation: string) => operation === 'receive'],
  ])('%s', async (_, code, crypto, isDenied) => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    desk.faults = ({ operation }) => (isDenied(operation) ? { failBefore: denied() } : undefined)
    await expect(redrive(desk.another(crypto))).rejects.toMatchObject({ code, queue: 'orders' })
    expect([desk.letters(), desk.stored.messages()]).toEqual([['m-1', 'm-2', 'm-3'], []])
  })

  it('an identity that may not remove letters, which would otherwise copy them all', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    desk.faults = ({ operation }) => (operation === 'complete' ? { failBefore: denied() } : undefined)
    await expect(redrive(desk.client)).rejects.toMatchObject({ code: 'PermissionDenied' })
    expect([desk.letters(), desk.stored.messages().length]).toEqual([['m-1', 'm-2', 'm-3'], 1])
  })
})

describe('a redrive that is interrupted copies a letter at worst, and loses none (D3)', () => {
  it('by a broker that takes the message and does not let the letter go', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    desk.faults = ({ operation, messageId }) =>
      operation === 'complete' && messageId === 'm-1' ? { failBefore: down() } : undefined
    const report = redrive(desk.client)
    await desk.clock.advance(minutes(2))
    expect(await report).toMatchObject({
      redriven: 1,
      failed: [{ messageId: 'm-1', error: { code: 'ConnectionFailed' } }],
    })
    expect(desk.letters()).toEqual(['m-1'])
    expect(desk.stored.messages().map(({ messageId }) => messageId)).toEqual(['m-1', 'm-2'])
    expect(desk.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', text: 'A dead letter was sent again and could not be removed' }),
    )
  })

  it('for a moment only, not even that: removing is tried again', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    let failures = 2
    desk.faults = ({ operation }) => {
      if (operation !== 'complete' || failures === 0) return undefined
      failures -= 1
      return { failBefore: down() }
    }
    const report = redrive(desk.client)
    await desk.clock.advance(minutes(1))
    expect(await report).toEqual({ redriven: 1, skipped: 0, failed: [] })
    expect([desk.letters(), desk.stored.messages().length]).toEqual([[], 1])
  })

  it('by an outage of the key store in its middle: what it could not open stays', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    const outage = new QueueError('KeyProviderError', 'The key store is down.')
    const report = await desk.client.deadLetters().redrive({
      onProgress: (done) => {
        if (done === 1) desk.keysFail = outage
      },
    })
    expect(report).toMatchObject({
      redriven: 1,
      failed: ['m-2', 'm-3'].map((messageId) => ({ messageId, error: { code: 'KeyProviderError' } })),
    })
    expect(desk.letters()).toEqual(['m-2', 'm-3'])
    desk.keysFail = undefined
    expect(await redrive(desk.client)).toMatchObject({ redriven: 2, failed: [] })
  })

  it('by an abort: it rejects with the reason, and what was not sent stays', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    const controller = new AbortController()
    const reason = new Error('enough')
    const { signal } = controller
    const onProgress = (): void => controller.abort(reason)
    await expect(desk.client.deadLetters().redrive({ signal, onProgress })).rejects.toBe(reason)
    expect(desk.letters()).toEqual(['m-2', 'm-3'])
    expect(desk.stored.deadLetters().map(({ state }) => state)).toEqual(['active', 'active'])
  })

  it('by an abort while the broker is asked: the letter stays', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    desk.faults = ({ operation }) => (operation === 'send' ? { delayMs: Number.POSITIVE_INFINITY } : undefined)
    const controller = new AbortController()
    const report = desk.client.deadLetters().redrive({ signal: controller.signal })
    const failure = report.catch((error: unknown) => error)
    await desk.clock.advance(1)
    controller.abort('enough')
    expect(await failure).toBe('enough')
    expect(desk.letters()).toEqual(['m-1'])
  })

  it('by an abort: whatever else fails at that moment, it rejects with the reason', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const controller = new AbortController()
    desk.faults = ({ operation }) => {
      if (operation !== 'send') return undefined
      controller.abort('enough')
      return { failBefore: denied() }
    }
    await expect(desk.client.deadLetters().redrive({ signal: controller.signal })).rejects.toBe('enough')
  })

  it('by its client closing', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const client = desk.another()
    const closed: Promise<void>[] = []
    const report = client.deadLetters().redrive({ onProgress: () => void closed.push(client.close()) })
    await expect(report).rejects.toMatchObject({ code: 'ClientClosed' })
    await Promise.all(closed)
    expect(desk.stored.deadLetters()).toMatchObject([{ messageId: 'm-2', state: 'active' }])
  })

  it('by a filter or a progress callback that throws', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const thrown = new Error('a bug')
    const failing = () => {
      throw thrown
    }
    await expect(desk.client.deadLetters().redrive({ filter: failing })).rejects.toBe(thrown)
    await expect(desk.client.deadLetters().redrive({ onProgress: failing })).rejects.toBe(thrown)
    expect(desk.stored.deadLetters()).toMatchObject([{ messageId: 'm-2', state: 'active' }])
  })
})

/** The clock of the desk, and how many sleep on it. */
const countingClock = ({ clock }: Desk) => {
  let count = 0
  return {
    clock: {
      ...clock,
      async sleep(ms: number, signal?: AbortSignal) {
        count += 1
        await clock.sleep(ms, signal).finally(() => {
          count -= 1
        })
      },
    },
    async sleepers() {
      await new Promise((resolve) => setImmediate(resolve))
      return count
    },
  }
}

describe('a pass', () => {
  it('asks the filter, which may take its time, and tells of each letter that it looked at (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    const progress: number[] = []
    const report = await desk.client.deadLetters().redrive({
      filter: async (letter) => (await letter.open()).text() !== 'body of m-2',
      onProgress: (done) => void progress.push(done),
    })
    expect([report, progress]).toEqual([{ redriven: 2, skipped: 1, failed: [] }, [1, 2, 3]])
    expect(desk.stored.deadLetters()).toMatchObject([{ messageId: 'm-2', state: 'active' }])
  })

  it('sends at most so many again; what the filter left does not count (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3', 'm-4')
    const report = await desk.client
      .deadLetters()
      .redrive({ maxMessages: 2, filter: ({ messageId }) => messageId !== 'm-1' })
    expect(report).toEqual({ redriven: 2, skipped: 1, failed: [] })
    expect(desk.letters()).toEqual(['m-1', 'm-4'])
  })

  it('leaves a letter that comes back while it goes on for the next one (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    let passes = 0
    const report = await desk.client.deadLetters().redrive({
      // What was sent again fails again, at once.
      async onProgress() {
        passes += 1
        for (let message = await desk.client.receive({ waitMs: 0 }); message !== null; ) {
          await message.deadLetter({ reason: 'again' })
          message = await desk.client.receive({ waitMs: 0 })
        }
      },
    })
    // Nobody waits for what `onProgress` still does.
    await desk.clock.advance(0)
    expect([report, passes]).toEqual([{ redriven: 2, skipped: 0, failed: [] }, 2])
    expect(desk.stored.deadLetters()).toMatchObject([
      { messageId: 'm-1', state: 'active', deadLettered: { reason: 'again' } },
      { messageId: 'm-2', state: 'active', deadLettered: { reason: 'again' } },
    ])
  })

  it('that takes longer than locks last sees each letter once, and sends each once (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3', 'm-4', 'm-5')
    const seen: string[] = []
    const report = desk.client.deadLetters().redrive({
      async filter({ messageId }) {
        seen.push(messageId)
        await desk.clock.sleep(3 * LOCK_MS)
        return messageId === 'm-4'
      },
    })
    await desk.clock.advance(minutes(10))
    expect(await report).toEqual({ redriven: 1, skipped: 4, failed: [] })
    expect(seen).toEqual(['m-1', 'm-2', 'm-3', 'm-4', 'm-5'])
    expect(desk.stored.messages()).toMatchObject([{ messageId: 'm-4' }])
    // Once as a message, once as a letter: none came a second time.
    expect(desk.stored.deadLetters().map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2, 2, 2])
  })

  it('does not send a letter whose lock was lost while the filter looked at it: somebody else has it', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    desk.faults = ({ operation, messageId }) =>
      operation === 'renewLock' && messageId === 'm-1'
        ? { failBefore: new QueueError('MessageLockLost', 'It is gone.') }
        : undefined
    const report = desk.client.deadLetters().redrive({
      async filter({ messageId }) {
        if (messageId === 'm-1') await desk.clock.sleep(LOCK_MS)
        return true
      },
    })
    await desk.clock.advance(minutes(2))
    expect(await report).toMatchObject({
      redriven: 1,
      failed: [{ messageId: 'm-1', error: { code: 'MessageLockLost' } }],
    })
    expect(desk.stored.messages().map(({ messageId }) => messageId)).toEqual(['m-2'])
    expect(desk.letters()).toEqual(['m-1'])
  })

  it('ends though locks end faster than it gets on (D4)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2', 'm-3')
    desk.faults = ({ operation, of }) => {
      if (operation === 'renewLock') return { failBefore: new QueueError('MessageLockLost', 'It is gone.') }
      return operation === 'receive' && of === 'dead-letters' ? { delayMs: LOCK_MS } : undefined
    }
    const seen: string[] = []
    const report = desk.client.deadLetters().redrive({ filter: ({ messageId }) => seen.push(messageId) === 0 })
    await desk.clock.advance(minutes(60))
    expect(await report).toMatchObject({ redriven: 0, failed: [] })
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('tries to read letters again where the broker does not answer for a moment (R3)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    let isDown = true
    desk.faults = ({ of }) => {
      const fails = of === 'dead-letters' && isDown
      isDown = false
      return fails ? { failBefore: down() } : undefined
    }
    const report = redrive(desk.client)
    await desk.clock.advance(minutes(1))
    expect(await report).toMatchObject({ redriven: 1 })
  })

  it('over many letters leaves no timer and no lock behind (C6)', async () => {
    const desk = setUpDesk()
    await desk.bury(...Array.from({ length: 50 }, (_, index) => `m-${index}`))
    const { clock, sleepers } = countingClock(desk)
    const client = desk.another({}, { clock })
    const report = await client.deadLetters().redrive({ filter: ({ messageId }) => messageId.endsWith('7') })
    expect(report).toEqual({ redriven: 5, skipped: 45, failed: [] })
    expect(desk.stored.deadLetters().filter(({ state }) => state !== 'active')).toEqual([])
    expect(await sleepers()).toBe(0)
  })

  it('that cannot give its letters back leaves no timer behind either: their locks end (C6)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    desk.faults = ({ operation }) => (operation === 'abandon' ? { failBefore: down() } : undefined)
    const { clock, sleepers } = countingClock(desk)
    expect(
      await desk
        .another({}, { clock })
        .deadLetters()
        .redrive({ filter: () => false }),
    ).toMatchObject({ skipped: 2 })
    expect(await sleepers()).toBe(0)
  })
})

describe('one letter', () => {
  /** The first letter of a pass that goes on. */
  const firstOf = async (client: QueueClient): Promise<{ letter: DeadLetter; end: () => Promise<unknown> }> => {
    const letters = client.deadLetters().messages()[Symbol.asyncIterator]()
    const { value } = await letters.next()
    return { letter: value, end: async () => letters.return?.() }
  }

  it('is sent once, however often and at the same time it is redriven', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const { letter, end } = await firstOf(desk.client)
    await Promise.all([letter.redrive(), letter.redrive()])
    await expect(letter.redrive()).rejects.toMatchObject({ code: 'AlreadySettled' })
    await end()
    expect(desk.stored.messages()).toHaveLength(1)
  })

  it('that was sent and not removed is only removed the next time', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    desk.faults = ({ operation }) => (operation === 'complete' ? { failBefore: denied() } : undefined)
    const { letter, end } = await firstOf(desk.client)
    await expect(letter.redrive()).rejects.toMatchObject({ code: 'PermissionDenied', messageId: 'm-1' })
    desk.faults = () => undefined
    await letter.redrive()
    await end()
    expect([desk.letters(), desk.stored.messages().length]).toEqual([[], 1])
  })

  it('tells where it failed, and is counted (E3, O1)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    const metrics = meterRecorder()
    const client = desk.another({ enabled: undefined }, { meterProvider: metrics.provider })
    const { letter, end } = await firstOf(client)
    const place = { queue: 'orders', operation: 'redrive', messageId: 'm-1' }
    await expect(letter.redrive()).rejects.toMatchObject({ code: 'Configuration', ...place })
    await end()
    expect(await valuesOf(metrics)).toMatchObject({
      queue_errors_total: [
        { attributes: { queue: 'orders', operation: 'redrive', error_type: 'configuration' }, value: 1 },
      ],
    })
  })

  it('is not sent once it was removed or given back', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    for await (const letter of desk.client.deadLetters().messages()) {
      await (letter.messageId === 'm-1' ? letter.complete() : letter.abandon())
      await expect(letter.redrive()).rejects.toMatchObject({ code: 'AlreadySettled' })
      if (letter.messageId === 'm-2') break
    }
    expect([desk.letters(), desk.stored.messages()]).toEqual([['m-2'], []])
  })

  it('can be read, but neither sent nor removed, once its pass is over', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1', 'm-2')
    const letters: DeadLetter[] = []
    for await (const letter of desk.client.deadLetters().messages()) letters.push(letter)
    expect(await Promise.all(letters.map(async (letter) => (await letter.open()).text()))).toEqual([
      'body of m-1',
      'body of m-2',
    ])
    for (const act of ['redrive', 'complete', 'abandon'] as const) {
      await expect(letters[0]?.[act]()).rejects.toMatchObject({ code: 'MessageLockLost', messageId: 'm-1' })
    }
    expect([desk.letters(), desk.stored.messages()]).toEqual([['m-1', 'm-2'], []])
  })
})

describe("a broker's own redrive", () => {
  /** Moves the letters back as they are, as a broker's console does. */
  const moveBack = ({ stored }: Desk): void => {
    for (const letter of stored.deadLetters()) {
      stored.remove(letter.brokerMessageId)
      stored.put(letter)
    }
  }

  it('keeps the old envelope, which a receiver without a nonce store refuses once it is too old (D5, A26)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    await desk.clock.advance(minutes(4))
    moveBack(desk)
    const message = await desk.next()
    await message.deadLetter({ reason: 'once more' })
    await desk.clock.advance(minutes(2))
    moveBack(desk)
    expect(await desk.client.receive({ waitMs: 0 })).toBe(null)
    expect(desk.stored.deadLetters()).toMatchObject([{ deadLettered: { reason: 'qr.expired' } }])
    expect(await redrive(desk.client)).toMatchObject({ redriven: 1 })
    expect((await desk.next()).messageId).toBe('m-1')
  })

  it('is no replay: the replay guard lets through what was dead-lettered (D5, protocol.md 5)', async () => {
    const desk = setUpDesk()
    const nonceStore = memoryNonceStore({ clock: desk.clock })
    const guarded = desk.another({ nonceStore })
    await desk.client.send({ messageId: 'm-1', body: 'a' })
    await (await desk.next(guarded)).deadLetter({ reason: 'r' })
    await desk.clock.advance(minutes(4))
    moveBack(desk)
    const message = await desk.next(guarded)
    expect(message.messageId).toBe('m-1')
    await message.complete()
    expect([desk.letters(), desk.stored.messages()]).toEqual([[], []])
  })
})

describe('the log of a redrive', () => {
  it('names each message that was sent again, and no body (protocol.md 4.1, O7)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    desk.lines.length = 0
    await redrive(desk.client)
    expect(desk.lines).toContainEqual({
      level: 'info',
      text: 'Dead letter sent again',
      fields: expect.objectContaining({ queue_name: 'orders', operation: 'redrive', message_id: 'm-1' }),
    })
    expect(JSON.stringify(desk.lines)).not.toContain('body of')
  })

  it('tells which failed, and with what (O8)', async () => {
    const desk = setUpDesk()
    await desk.bury('m-1')
    await redrive(desk.another({ audience: 'another' }))
    expect(desk.lines).toContainEqual({
      level: 'warn',
      text: 'The redrive of a dead letter failed',
      fields: expect.objectContaining({ message_id: 'm-1', error_type: 'AuthenticationFailed' }),
    })
  })
})

describe('the options of a redrive', () => {
  it.each([
    ['maxMessages', 0],
    ['filter', 'all'],
    ['onProgress', 1],
    ['signal', {}],
    ['maxMesages', 1],
  ])('are checked: %s (C23)', async (field, value) => {
    const { client } = setUpDesk()
    const letters = client.deadLetters()
    await expect(letters.redrive({ [field]: value })).rejects.toMatchObject({ code: 'Configuration', facts: { field } })
  })
})
