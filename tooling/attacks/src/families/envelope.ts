import { randomBytes } from 'node:crypto'
import type { Row } from '../attack.ts'
import { AT, edited, flipped, forged, headerLengthOf, PADDED, TAG_LENGTH } from '../envelope-bytes.ts'
import { distinct, fatesOfBodies, plant, tally, tallyOfCodes } from '../fates.ts'
import { NOW } from '../ground.ts'
import { windowsShared } from '../needles.ts'

const REJECTED = 'dead letter (qr.rejected)'
const SECRET = 'The quick brown fox pays 1000 to account 4711.'

/** What the bytes of a sealed body can be turned into. Each body takes the place of a genuine one. */
export const envelopeAttacks: readonly Row[] = [
  {
    number: 1,
    name: 'reads a body',
    by: 'queue reader',
    expected: '0 windows of 8 plaintext bytes in what the broker stores',
    catches: ['seals nothing'],
    async run(ground) {
      const stored = await plant(ground, { body: SECRET.repeat(20), sessionId: 's', attributes: { a: 'b' } })
      const bytes = Buffer.concat([stored.body, Buffer.from(JSON.stringify({ ...stored, body: '' }))])
      return {
        outcome: `${windowsShared(Buffer.from(SECRET), bytes)} windows of 8 plaintext bytes in what the broker stores`,
        facts: { bytes: bytes.length },
      }
    },
  },
  {
    number: 2,
    name: 'flips any bit',
    by: 'queue writer',
    expected: [
      '0 of 528 delivered, 0 of 528 removed: AuthenticationFailed, InvalidEnvelope, KeyNotFound, MessageExpired,',
      'MessageFromFuture, UnencryptedMessage, UnsupportedVersion',
    ].join(' '),
    catches: ['looks at no tag', 'takes broken envelopes for plaintext', 'lets plaintext through'],
    async run(ground) {
      const victim = await plant(ground)
      const bodies = Array.from({ length: victim.body.length * 8 }, (_, bit) => flipped(victim.body, bit))
      ground.queue().remove(victim.brokerMessageId)
      return { outcome: tallyOfCodes(await fatesOfBodies(ground, ground.client(), victim, bodies)) }
    },
  },
  {
    number: 3,
    name: 'cuts a body at every length',
    by: 'queue writer',
    expected: `0 of 66 delivered: InvalidEnvelope{truncated} → ${REJECTED}, UnencryptedMessage → ${REJECTED}`,
    catches: ['takes broken envelopes for plaintext'],
    async run(ground) {
      const victim = await plant(ground)
      const bodies = Array.from({ length: victim.body.length }, (_, length) => victim.body.slice(0, length))
      return { outcome: tally(await fatesOfBodies(ground, ground.client(), victim, bodies)) }
    },
  },
  {
    number: 4,
    name: 'appends bytes, joins two envelopes',
    by: 'queue writer',
    expected: `0 of 4 delivered: InvalidEnvelope{trailing_bytes} → ${REJECTED}`,
    catches: ['cuts envelopes to their length'],
    async run(ground) {
      const victim = await plant(ground)
      const tails = [Uint8Array.of(0), randomBytes(TAG_LENGTH), victim.body, new Uint8Array(100_000)]
      const bodies = tails.map((tail) => Uint8Array.from([...victim.body, ...tail]))
      return { outcome: tally(await fatesOfBodies(ground, ground.client(), victim, bodies)) }
    },
  },
  {
    number: 5,
    name: 'claims 4 GiB of ciphertext',
    by: 'queue writer',
    expected: `InvalidEnvelope{too_large} → ${REJECTED}, nothing allocated for it`,
    catches: ['allocates what is claimed'],
    async run(ground) {
      const victim = await plant(ground)
      const body = edited(victim.body, (bytes) => bytes.writeUInt32BE(0xffff_ffff, AT.ciphertextLength))
      const client = ground.client()
      const before = process.memoryUsage().arrayBuffers
      const fates = await fatesOfBodies(ground, client, victim, [body])
      const grownMiB = Math.round((process.memoryUsage().arrayBuffers - before) / 2 ** 20)
      // Other buffers come and go meanwhile; what the length claims would be 4096.
      const allocated = grownMiB < 64 ? 'nothing allocated for it' : `${grownMiB} MiB allocated`
      return { outcome: `${distinct(fates)}, ${allocated}`, facts: { grownMiB } }
    },
  },
  {
    number: 6,
    name: 'shortens the tag',
    by: 'queue writer',
    expected: `0 of 32 delivered: AuthenticationFailed → ${REJECTED}, InvalidEnvelope{truncated} → ${REJECTED}`,
    catches: ['looks at no tag'],
    async run(ground) {
      const victim = await plant(ground, { body: 'long enough to be cut to a tag' })
      const ciphertextLength = victim.body.length - headerLengthOf(victim.body) - TAG_LENGTH
      const lengths = Array.from({ length: TAG_LENGTH }, (_, length) => length)
      const cut = (length: number): Uint8Array => victim.body.slice(0, victim.body.length - TAG_LENGTH + length)
      // The same with a length that agrees, so that the last bytes of the ciphertext fill the tag up.
      const agreeing = (length: number): Uint8Array =>
        edited(cut(length), (bytes) => bytes.writeUInt32BE(ciphertextLength - TAG_LENGTH + length, AT.ciphertextLength))
      const bodies = [...lengths.map(cut), ...lengths.map(agreeing)]
      return { outcome: tally(await fatesOfBodies(ground, ground.client(), victim, bodies)) }
    },
  },
  {
    number: 7,
    name: 'forges an envelope without a key',
    by: 'queue writer',
    expected: `0 of 1000 delivered: AuthenticationFailed → ${REJECTED}`,
    catches: ['looks at no tag', 'completes what it refuses', 'deletes instead of dead-lettering'],
    async run(ground) {
      const victim = await plant(ground)
      const header = victim.body.slice(0, headerLengthOf(victim.body))
      const bodies = Array.from({ length: 1_000 }, (_, index) => {
        const ofItsOwn = forged({ encryptedAt: NOW, ciphertextLength: index % 64 })
        return index % 2 === 0
          ? ofItsOwn
          : Uint8Array.from([...header, ...randomBytes(victim.body.length - header.length)])
      })
      return { outcome: tally(await fatesOfBodies(ground, ground.client(), victim, bodies)) }
    },
  },
  {
    number: 28,
    name: 'names another version',
    by: 'queue writer',
    expected: [0, 2, 255].map((version) => `UnsupportedVersion{${version}} → kept for a later try`).join(', '),
    catches: ['takes broken envelopes for plaintext'],
    async run(ground) {
      const victim = await plant(ground)
      const bodies = [0, 2, 255].map((version) => edited(victim.body, (bytes) => bytes.writeUInt8(version, AT.version)))
      // Even where plaintext is allowed: what carries the marker is never plaintext.
      const client = ground.client({ plaintextPolicy: 'allow' })
      return { outcome: (await fatesOfBodies(ground, client, victim, bodies)).join(', ') }
    },
  },
  {
    number: 29,
    name: 'sets reserved flags, flips PADDED',
    by: 'queue writer',
    expected: `AuthenticationFailed → ${REJECTED}, InvalidEnvelope{reserved_flags} → ${REJECTED}`,
    catches: ['leaves the header out of the tag'],
    async run(ground) {
      const victim = await plant(ground)
      const padded = await plant(ground, { body: 'hello' }, { padding: 'padme' })
      const reserved = [1, 2, 3, 4, 5, 6, 7].map((bit) =>
        edited(victim.body, (bytes) => bytes.writeUInt8(1 << bit, AT.flags)),
      )
      const switched = [victim, padded].map(({ body }) =>
        edited(body, (bytes) => bytes.writeUInt8((bytes[AT.flags] ?? 0) ^ PADDED, AT.flags)),
      )
      const client = ground.client()
      const fates = [
        ...(await fatesOfBodies(ground, client, victim, [...reserved, ...switched.slice(0, 1)])),
        ...(await fatesOfBodies(ground, client, padded, switched.slice(1))),
      ]
      return { outcome: distinct(fates), facts: { tried: fates.length } }
    },
  },
]
