import { randomBytes } from 'node:crypto'
import { type KeyProvider, multiKeyProvider } from '@queue-runtime/crypto'
import type { Row } from '../attack.ts'
import { AT, edited, forged } from '../envelope-bytes.ts'
import { distinct, fateOf, fatesOfBodies, plant, refusalOf } from '../fates.ts'
import { type Ground, NOW } from '../ground.ts'
import { bothKeys, KEY_ID, keyOf, OLD_KEY_ID } from '../keys.ts'

const REJECTED = 'dead letter (qr.rejected)'
const WINDOW_MS = 5_000

interface Counted {
  readonly keyProvider: KeyProvider
  /** When the store was called. */
  readonly calls: number[]
}

/** A store of keys that counts its calls and, as those of key stores, makes a key for each. */
function countedStore({ clock }: Ground): Counted {
  const calls: number[] = []
  const count = <T>(answer: T): T => {
    calls.push(clock.now())
    return answer
  }
  const keyProvider: KeyProvider = {
    getKey: async (keyId) => count(keyId === KEY_ID ? keyOf(KEY_ID) : null),
    currentKeyId: async () => count(KEY_ID),
    validKeyIds: async () => count([KEY_ID]),
  }
  return { keyProvider, calls }
}

/** The most calls in any five seconds; `calls` ascend. */
function mostInWindow(calls: readonly number[]): number {
  let first = 0
  return calls.reduce((most, at, last) => {
    while ((calls[first] ?? at) <= at - WINDOW_MS) first += 1
    return Math.max(most, last - first + 1)
  }, 0)
}

/** What the choice of a key id can be turned into. */
export const keyAttacks: readonly Row[] = [
  {
    number: 30,
    name: 'floods with 10 000 random key ids',
    by: 'queue writer',
    expected:
      'KeyNotFound → kept for a later try; at most 1 call to the key store in 5 s; a genuine message: delivered',
    catches: ['asks the store for every key'],
    async run(ground) {
      const { keyProvider: source, calls } = countedStore(ground)
      const { clock } = ground
      const keyProvider = ground.library.cachedKeyProvider(source, { clock, logger: false })
      const client = ground.client({ keyProvider, enabled: undefined })
      const victim = await plant(ground)
      const fates = new Set<string>()
      for (let round = 0; round < 20; round += 1) {
        const bodies = Array.from({ length: 500 }, () =>
          forged({ encryptedAt: clock.now(), keyId: randomBytes(16).toString('hex') }),
        )
        if (round === 0) ground.queue().remove(victim.brokerMessageId)
        for (const fate of await fatesOfBodies(ground, client, victim, bodies)) fates.add(fate)
        for (const { brokerMessageId } of ground.queue().messages()) ground.queue().remove(brokerMessageId)
        await clock.advance(1_000)
      }
      const most = mostInWindow(calls)
      const flooding = calls.length
      const genuine = await fateOf(ground, client, ground.queue().put(victim))
      await keyProvider.close()
      return {
        outcome: `${distinct([...fates])}; at most ${most} call to the key store in 5 s; a genuine message: ${genuine}`,
        facts: { calls: flooding, seconds: 20 },
      }
    },
  },
  {
    number: 31,
    name: 'names a key id that is a path, or holds a line break or NUL',
    by: 'queue writer',
    expected: `InvalidEnvelope{key_id_charset} → ${REJECTED}; 0 calls to the key store`,
    catches: ['takes broken envelopes for plaintext'],
    async run(ground) {
      const { keyProvider, calls } = countedStore(ground)
      const ids = ['../other-secret', 'a/b', 'a\n', '\n', 'a\0', '\0', ' a', '.a', 'ä', '%2e', `a\n${KEY_ID}`]
      const bodies = [...ids.map((id) => Buffer.from(id)), Buffer.of(0xff), Buffer.of(0x41, 0x80)].map((keyId) =>
        forged({ encryptedAt: NOW, keyId }),
      )
      const victim = await plant(ground)
      ground.queue().remove(victim.brokerMessageId)
      const client = ground.client({ keyProvider, enabled: undefined })
      const fates = distinct(await fatesOfBodies(ground, client, victim, bodies))
      return { outcome: `${fates}; ${calls.length} calls to the key store`, facts: { ids: bodies.length } }
    },
  },
  {
    number: 32,
    name: 'redirects a message to another valid key',
    by: 'queue writer',
    expected: `AuthenticationFailed → ${REJECTED}`,
    catches: ['looks at no tag'],
    async run(ground) {
      const victim = await plant(ground)
      const body = edited(victim.body, (bytes) => bytes.write(OLD_KEY_ID, AT.keyId))
      return { outcome: distinct(await fatesOfBodies(ground, ground.client(), victim, [body])) }
    },
  },
  {
    number: 33,
    name: 'seals new messages with a retired key',
    by: 'holder of an old key',
    expected: `while the key was good: delivered; after its end: KeyExpired → ${REJECTED}`,
    catches: ['knows no end of a key'],
    async run(ground) {
      const expiresAt = new Date(NOW + 60_000)
      const retired = keyOf(OLD_KEY_ID, { expiresAt })
      const keyProvider = multiKeyProvider({ keys: [keyOf(KEY_ID), retired], current: KEY_ID })
      // The thief's copy of the key has no end.
      const stolen = { keyProvider: multiKeyProvider({ keys: [keyOf(OLD_KEY_ID)] }) }
      const receiver = ground.client({ keyProvider })
      const good = await fateOf(ground, receiver, (await plant(ground, { body: 'old' }, stolen)).brokerMessageId)
      await ground.clock.advance(60_000 + 60_000 + 1)
      const late = await fateOf(ground, receiver, (await plant(ground, { body: 'new' }, stolen)).brokerMessageId)
      return { outcome: `while the key was good: ${good}; after its end: ${late}` }
    },
  },
  {
    number: 39,
    name: 'uses a key too often',
    by: 'nobody',
    expected:
      'sealed: 3; then KeyUsageLimitExceeded, with 3 messages at the broker; what was sealed: delivered; the next key: accepted',
    catches: ['counts no seals'],
    async run(ground) {
      const keyProvider = bothKeys()
      const client = ground.client({ keyProvider, maxSealsPerKey: 3 })
      const send = (): Promise<string> => refusalOf(() => client.send({ body: 'x' }))
      const sends: string[] = []
      for (let count = 0; count < 5; count += 1) sends.push(await send())
      const stored = ground.queue().messages()
      const fate = await fateOf(ground, client, stored[0]?.brokerMessageId ?? '')
      keyProvider.setCurrent(OLD_KEY_ID)
      const sealed = sends.filter((refusal) => refusal === 'accepted').length
      const refusals = distinct(sends.filter((refusal) => refusal !== 'accepted'))
      const next = await send()
      return {
        outcome: `sealed: ${sealed}; then ${refusals}, with ${stored.length} messages at the broker; what was sealed: ${fate}; the next key: ${next}`,
      }
    },
  },
]
