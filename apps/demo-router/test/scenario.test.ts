import { setTimeout } from 'node:timers/promises'
import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { describe, expect, it, vi } from 'vitest'
import { holdBack } from '../src/attacks/hold-back.ts'
import { moveQueue } from '../src/attacks/move-queue.ts'
import { realDeliveries } from '../src/demo/deliveries.ts'
import { play, runWith, start } from './demo-helpers.ts'

describe('the whole scenario (DR1, DR2, DR3, DR6)', { timeout: 60_000 }, () => {
  it('brings every real delivery to its bot, and refuses every attack', async () => {
    const { result, warnings } = await play()
    expect(result).toMatchObject({
      received: 329,
      routed: 86,
      opened: 86,
      ignored: 243,
      plaintextWindowsAtBroker: 0,
      failures: [],
    })
    expect(result.queues).toMatchObject([
      { queue: 'task-tactician', expected: 41, sent: 41, opened: 41, refused: 0, plaintextWindows: 0 },
      { queue: 'merge-warden', expected: 38, sent: 38, opened: 38, refused: 0, plaintextWindows: 0 },
      { queue: 'spec-sentinel', expected: 7, sent: 7, opened: 7, refused: 0, plaintextWindows: 0 },
    ])
    const bodies = realDeliveries().reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
    const wireBytes = result.queues.reduce((sum, row) => sum + row.wireBytes, 0)
    expect(wireBytes).toBeGreaterThan(86 * 47)
    expect(wireBytes).toBeLessThan(bodies)
    expect(warnings).toEqual([])
  })

  it('shows for each attack why it was refused and where the message lies, and that the others arrived', async () => {
    const { result } = await play()
    const shown = result.attacks.map(({ name, refused, passed, code, reason, bystanders, bystandersOpened }) => [
      ...[name, refused, passed, code, reason],
      ...[bystanders, bystandersOpened],
    ])
    expect(shown).toEqual([
      ['flip-bit', true, false, 'AuthenticationFailed', 'qr.rejected', 5, 5],
      ['swap-bodies', true, false, 'AuthenticationFailed', 'qr.rejected', 4, 4],
      ['move-queue', true, false, 'KeyNotFound', 'qr.unreadable', 5, 5],
      ['inject-plaintext', true, false, 'UnencryptedMessage', 'qr.rejected', 5, 5],
      ['hold-back', true, false, 'MessageExpired', 'qr.expired', 5, 5],
      ['re-post', true, false, 'AuthenticationFailed', 'qr.rejected', 6, 6],
    ])
  })

  it('waits for bots that are slow', async () => {
    const slowly = (provider: QueueProvider): QueueProvider => ({
      ...provider,
      open(queue) {
        const transport = provider.open(queue)
        return {
          ...transport,
          async receive(options) {
            await setTimeout(30)
            return transport.receive(options)
          },
        }
      },
    })
    const { result } = await play({ attacks: [], seams: { provider: slowly } })
    expect([result.opened, result.failures]).toEqual([86, []])
    expect(result.queues[0]?.medianMs).toBeGreaterThan(30)
  })

  it('lets bots settle what they read before it skips time', async () => {
    const settleLate = (delivery: Delivery): Delivery => ({
      ...delivery,
      async complete() {
        await setTimeout(50)
        return delivery.complete()
      },
    })
    const slowly = (provider: QueueProvider): QueueProvider => ({
      ...provider,
      open(queue) {
        const transport = provider.open(queue)
        return { ...transport, receive: async (options) => (await transport.receive(options)).map(settleLate) }
      },
    })
    const { result, warnings } = await play({ attacks: [holdBack, moveQueue], seams: { provider: slowly } })
    expect([result.failures, warnings]).toEqual([[], []])
  })

  it('prints one line of JSON last, all else on the other stream, and exits with 0', async () => {
    const { exitCode, stdout, stderr } = await runWith(['--once', '--json'])
    expect(exitCode).toBe(0)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(Object.keys(JSON.parse(stdout)).slice(0, 6)).toEqual([
      'received',
      'routed',
      'opened',
      'ignored',
      'attacks',
      'plaintextWindowsAtBroker',
    ])
    expect(JSON.parse(stdout).attacks[0]).toMatchObject({ name: 'flip-bit', refused: true, reason: 'qr.rejected' })
    expect(stderr).toContain('329 of 329 deliveries posted')
    expect(stderr).toContain('All is well')
  })

  it('shows the tables on standard output otherwise', async () => {
    const { exitCode, stdout, stderr } = await runWith(['--once'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/task-tactician +│ +41 │ +41 │ +41 │ +0 /)
    expect(stdout).toMatch(/flips one bit of a sealed body +│ refused │ AuthenticationFailed │ qr.rejected/)
    expect(stderr).toBe('')
  })

  it('stays up until it is stopped, and ends well then', async () => {
    const stop = Promise.withResolvers<void>()
    const { exitCode, stdout } = start([], {}, stop.promise)
    let ended = false
    void exitCode.then(() => {
      ended = true
    })
    await vi.waitFor(() => expect(stdout.text()).toContain('Ctrl-C ends'), { timeout: 30_000 })
    const url = /http:\S+/.exec(stdout.text())?.[0] ?? ''
    expect((await fetch(url)).status).toBe(200)
    expect(ended).toBe(false)
    stop.resolve()
    expect(await exitCode).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })

  it('ends with 130 when it is stopped before the end', async () => {
    const stop = Promise.withResolvers<void>()
    const { exitCode, stdout } = await runWith([], { onProgress: () => stop.resolve() }, stop.promise)
    expect(exitCode).toBe(130)
    expect(stdout).not.toContain('deliveries received')
  })
})
