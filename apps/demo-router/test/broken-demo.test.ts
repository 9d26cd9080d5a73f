import type { MessageProtection } from '@queue-runtime/core'
import { QueueError, type QueueProvider } from '@queue-runtime/core'
import type { QueueProtection, QueueTransport, WireBody, WireMessage } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import type { Attack } from '../src/attacks/attack.ts'
import { ROUTES } from '../src/github/routes.ts'
import { play, runBroken, runWith } from './demo-helpers.ts'

/** Shorter than the demo's own: what is broken here never comes. */
const timeoutMs = 1_000

type Send = QueueTransport['send']

/** A broker whose `send` is something else. */
const withSend =
  (change: (send: Send) => Send) =>
  (provider: QueueProvider): QueueProvider => ({
    ...provider,
    open(queue) {
      const transport = provider.open(queue)
      return { ...transport, send: change(transport.send.bind(transport)) }
    },
  })

/** Does something else with the first message only. */
const once = (act: Send): ((send: Send) => Send) => {
  let isDone = false
  return (send) => (messages, options) => {
    if (isDone) return send(messages, options)
    isDone = true
    return act(messages, options)
  }
}

/** Does something else with one message, however often it is sent. */
const withOne = (act: Send): ((send: Send) => Send) => {
  let messageId: string | undefined
  return (send) => (messages, options) => {
    messageId ??= messages[0]?.messageId
    return (messages[0]?.messageId === messageId ? act : send)(messages, options)
  }
}

const drop: Send = async (messages) => messages.map(() => ({ error: null }))
const refuse: Send = async (messages) => messages.map(() => ({ error: new QueueError('Throttled', 'full') }))

/** A bot that takes whatever lies in its queue. */
const gullible = (own: MessageProtection): MessageProtection => ({
  open(context) {
    const protection = own.open(context)
    const unprotect: QueueProtection['unprotect'] = async (messages, options) => {
      const verdicts = await protection.unprotect(messages, options)
      return verdicts.map((verdict, at) =>
        'error' in verdict ? { body: messages[at]?.body ?? new Uint8Array(), seal: null, claim: null } : verdict,
      )
    }
    return { ...protection, unprotect }
  },
})

describe('the demo fails, with a sentence and exit code 1, when', { timeout: 60_000 }, () => {
  it('the broker loses a delivery', async () => {
    const { exitCode, result } = await runBroken({ timeoutMs, seams: { provider: withSend(once(drop)) } })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual([expect.stringMatching(/^1 delivery lost: no bot read it within 1 s/)])
    expect([result.routed, result.opened]).toEqual([86, 85])
  })

  it('the router does not accept a delivery', async () => {
    const seams = { provider: withSend(withOne(refuse)) }
    const { exitCode, result, stderr } = await runBroken({ timeoutMs, seams })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual([
      expect.stringMatching(/^1 delivery not accepted by the router/),
      expect.stringMatching(/^1 delivery lost/),
    ])
    expect(result.received).toBe(328)
    expect(stderr).toContain('A delivery could not be sent and was answered 503')
  })

  it('the table sends an event to the wrong bot', async () => {
    const routes = [{ events: /^push$/, queue: 'merge-warden' }, ...ROUTES] as const
    const { exitCode, result } = await runBroken({ timeoutMs, seams: { routes } })
    expect(exitCode).toBe(1)
    expect(result.failures[0]).toBe('7 deliveries opened by the wrong bot (spec-sentinel).')
  })

  it('the table sends an event that nobody asked for', async () => {
    const routes = [...ROUTES, { events: /^star$/, queue: 'merge-warden' }] as const
    const { exitCode, result } = await runBroken({ timeoutMs, attacks: [], seams: { routes } })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual(['3 deliveries opened by the wrong bot (star).'])
  })

  it('the table forgets an event', async () => {
    const { exitCode, result } = await runBroken({ timeoutMs, attacks: [], seams: { routes: ROUTES.slice(0, -1) } })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual(['7 deliveries lost: no bot read it within 1 s (spec-sentinel).'])
  })

  it('a bot gets other bytes than were posted', async () => {
    let isDone = false
    const bytesRead = ({ body }: { body: Uint8Array }) => {
      if (isDone) return body
      isDone = true
      return body.with(0, 0x20)
    }
    const { exitCode, result } = await runBroken({ seams: { bytesRead } })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual([expect.stringMatching(/^1 delivery opened with other content than posted/)])
  })

  it('a bot reads what an attacker made: every attack is seen to pass', async () => {
    const { exitCode, result } = await runBroken({ timeoutMs, seams: { botProtection: gullible } })
    expect(exitCode).toBe(1)
    expect(result.attacks.map(({ passed, refused }) => [passed, refused])).toEqual(Array(6).fill([true, false]))
    for (const { name } of result.attacks) {
      expect(result.failures).toContain(`The attack ${name} passed: a bot read the message.`)
    }
  })

  it('an attack is neither seen by a bot nor found among the dead letters', async () => {
    const vanish: Attack = {
      ...{ name: 'vanish', number: 44, title: 'Vanish' },
      description: 'takes a message away for good',
      async tamper({ loot: [victim], take }) {
        await take(victim)
        return { attacked: [victim] }
      },
    }
    const { exitCode, result } = await runBroken({ timeoutMs, attacks: [vanish] })
    expect(exitCode).toBe(1)
    expect(result.failures).toEqual(['The attack vanish was not refused in time.'])
  })

  it('nothing arrives at the broker for an attack', async () => {
    const { exitCode, result } = await runBroken({ timeoutMs, seams: { provider: withSend(() => drop) } })
    expect(exitCode).toBe(1)
    expect(result.attacks.every(({ refused, passed }) => !refused && !passed)).toBe(true)
  })

  it('something readable reaches the broker', async () => {
    const leak = (messages: readonly WireMessage[]) =>
      messages.map((message) => ({
        ...message,
        body: Buffer.concat([message.body, Buffer.from('\0Codertocat')]) as Uint8Array as WireBody,
      }))
    const seams = { provider: withSend((send) => (messages, options) => send(leak(messages), options)) }
    const { exitCode, result } = await runBroken({ timeoutMs, attacks: [], seams })
    expect(exitCode).toBe(1)
    // Ten characters hold three windows of eight.
    expect(result.plaintextWindowsAtBroker).toBe(3 * 86)
    expect(result.failures).toContain('The broker stored plaintext: 258 windows of eight bytes.')
  })

  it('the port is taken', async () => {
    const { demo } = await play({ attacks: [], deliveries: [] })
    const { port } = new URL(demo.url)
    const { exitCode, stderr } = await runWith(['--once', '--port', port])
    expect([exitCode, stderr]).toEqual([1, `Port ${port} is in use; choose another with --port.\n`])
  })
})
