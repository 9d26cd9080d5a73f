import { randomBytes } from 'node:crypto'
import type { QueueClient } from '@queue-runtime/core'
import type { MessageCryptoOptions } from '@queue-runtime/crypto'
import type { Row } from '../attack.ts'
import { edited } from '../envelope-bytes.ts'
import { distinct, fatesOf, plant, refusalOf } from '../fates.ts'
import { type Ground, NOW } from '../ground.ts'

const PLAIN = Buffer.from('{"pay":1000}')
const FLAG = 'Message received WITHOUT encryption'

/** Strips the marker of one message and injects another, and tells their fates and how loudly it was said. */
async function stripAndInject(ground: Ground, crypto: MessageCryptoOptions): Promise<string> {
  const victim = await plant(ground)
  const body = edited(victim.body, (bytes) => bytes.write('qre1'))
  ground.queue().replace(victim.brokerMessageId, { body })
  const injected = ground.queue().put({ messageId: 'injected', body: PLAIN })
  const before = ground.lines.length
  const fates = await fatesOf(ground, ground.client(crypto), [victim.brokerMessageId, injected])
  const flags = ground.lines.slice(before).filter(({ text }) => text === FLAG)
  return `${distinct(fates)} (${flags.length} lines of ${distinct(flags.map(({ level }) => level))})`
}

/** Bodies that begin with the marker, and some that nearly do. */
const bodies = (): Uint8Array[] => {
  const marker = Buffer.from('QRE1')
  const beginnings = [marker, Buffer.from('QRE'), Buffer.from('QRE2'), Buffer.from('qre1'), Buffer.alloc(0)]
  // Not ASCII, so that no random byte completes a marker.
  const tail = (length: number): Uint8Array => randomBytes(length).map((byte) => byte | 0x80)
  return beginnings.flatMap((beginning) =>
    Array.from({ length: 50 }, (_, length) => Uint8Array.from([...beginning, ...tail(length)])),
  )
}

/** Sends each body and receives it: `refused` and `same` are the only two ways that are allowed. */
async function waysOf(client: QueueClient): Promise<Record<string, number>> {
  const ways: Record<string, number> = {}
  for (const body of bodies()) {
    const refusal = await refusalOf(() => client.send({ body }))
    const message = refusal === 'accepted' ? await client.receive({ waitMs: 0 }) : null
    await message?.complete()
    const received = message !== null && Buffer.compare(message.body, body) === 0 ? 'the same bytes' : 'lost or changed'
    const way = refusal === 'accepted' ? received : refusal
    ways[way] = (ways[way] ?? 0) + 1
  }
  return ways
}

const listed = (ways: Record<string, number>): string =>
  Object.entries(ways)
    .map(([way, count]) => `${count} ${way}`)
    .sort()
    .join(', ')

/** Messages without a seal, and senders of them. */
export const policyAttacks: readonly Row[] = [
  {
    number: 26,
    name: 'strips the marker, injects plaintext',
    by: 'queue writer',
    expected: [
      'reject: UnencryptedMessage → dead letter (qr.rejected) (2 lines of error)',
      'allow until yesterday: UnencryptedMessage → dead letter (qr.rejected) (2 lines of error)',
      'allow: delivered without a seal (2 lines of warn)',
      'allow-with-alert: delivered without a seal (2 lines of error)',
    ].join('; '),
    catches: ['lets plaintext through'],
    async run(ground) {
      const policies: Record<string, MessageCryptoOptions> = {
        reject: {},
        'allow until yesterday': { plaintextPolicy: 'allow', plaintextAllowedUntil: new Date(NOW - 86_400_000) },
        allow: { plaintextPolicy: 'allow' },
        'allow-with-alert': { plaintextPolicy: 'allow-with-alert' },
      }
      const outcomes: string[] = []
      for (const [name, crypto] of Object.entries(policies)) {
        outcomes.push(`${name}: ${await stripAndInject(ground, crypto)}`)
      }
      return { outcome: outcomes.join('; ') }
    },
  },
  {
    number: 27,
    name: 'has plaintext sent that begins with QRE1',
    by: 'queue writer',
    expected: [
      'no crypto: 200 the same bytes, 50 ReservedMarker',
      'enabled false: 200 the same bytes, 50 ReservedMarker',
      'enabled true: 250 the same bytes',
    ].join('; '),
    catches: ['calls plaintext sealed'],
    async run(ground) {
      const clients = {
        'no crypto': ground.plainClient(),
        'enabled false': ground.client({ enabled: false, plaintextPolicy: 'allow' }),
        'enabled true': ground.client(),
      }
      const outcomes: string[] = []
      for (const [name, client] of Object.entries(clients)) {
        outcomes.push(`${name}: ${listed(await waysOf(client))}`)
      }
      return { outcome: outcomes.join('; ') }
    },
  },
]
