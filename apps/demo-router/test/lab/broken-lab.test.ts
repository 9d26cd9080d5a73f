import type { MessageProtection } from '@queue-runtime/core'
import type { QueueProtection, Unprotected } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import { LAB_ATTACKS } from '../../src/attacks/all.ts'
import { floodKeyIds } from '../../src/attacks/flood-key-ids.ts'
import { openLab } from './lab-helpers.ts'

type Messages = Parameters<QueueProtection['unprotect']>[0]

/** A bot whose protection says something else than the real one. */
const saying =
  (change: (verdict: Unprotected, message: Messages[number] | undefined) => Unprotected) =>
  (own: MessageProtection): MessageProtection => ({
    open(context) {
      const protection = own.open(context)
      const unprotect: QueueProtection['unprotect'] = async (messages, options) => {
        const verdicts = await protection.unprotect(messages, options)
        return verdicts.map((verdict, at) => change(verdict, messages[at]))
      }
      return { ...protection, unprotect }
    },
  })

const gullible = saying((verdict, message) =>
  'error' in verdict ? { body: message?.body ?? new Uint8Array(), seal: null, claim: null } : verdict,
)
const completesWhatItRefuses = saying((verdict) =>
  'error' in verdict ? { error: verdict.error, disposition: { action: 'complete' } } : verdict,
)
const keepsTryingForEver = saying((verdict) =>
  'error' in verdict ? { error: verdict.error, disposition: { action: 'abandon', delayMs: 1_000 } } : verdict,
)
const provesEveryAttribute = saying((verdict, message) =>
  'error' in verdict || verdict.seal === null
    ? verdict
    : { ...verdict, seal: { ...verdict.seal, attributes: message?.attributes ?? {} } },
)

const prevented = LAB_ATTACKS.filter(({ limit }) => limit === undefined).map(({ name }) => name)
const timeoutMs = 1_500

describe('the lab says that an attack failed to be stopped, when', { timeout: 120_000 }, () => {
  it.each(prevented)('a bot takes whatever lies in its queue: %s', async (name) => {
    const { lab } = await openLab({ timeoutMs, seams: { botProtection: gullible } })
    const { outcome, happened } = await lab.attack(name)
    expect([outcome, happened]).toEqual(['failed', expect.stringContaining('The attack passed: a bot read it.')])
  })

  it('a refused message is removed instead of being set aside', async () => {
    const { lab } = await openLab({ timeoutMs, seams: { botProtection: completesWhatItRefuses } })
    const { outcome, happened, deadLetter } = await lab.attack('flip-bit')
    expect([outcome, happened, deadLetter]).toEqual([
      'failed',
      expect.stringContaining('neither read nor refused'),
      null,
    ])
  })

  it('a refused message comes again and again', async () => {
    // The broker sets it aside in the end, under a reason of its own.
    const { lab } = await openLab({ timeoutMs, seams: { botProtection: keepsTryingForEver } })
    expect(await lab.attack('forge')).toMatchObject({ outcome: 'failed' })
  })

  it('what nobody proved is shown as proven', async () => {
    const { lab } = await openLab({ timeoutMs, seams: { botProtection: provesEveryAttribute } })
    expect(await lab.attack('edit-attribute')).toMatchObject({ outcome: 'failed' })
  })

  it('the key store is asked more often than it may be', () => {
    const seen = { reads: [], keyStoreCalls: 3, seconds: 4 }
    expect(floodKeyIds.isBroken?.(seen)).toBe(true)
    expect(floodKeyIds.isBroken?.({ ...seen, seconds: 10 })).toBe(false)
  })
})
