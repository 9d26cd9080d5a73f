import type {
  AttackInfo,
  AttackResult,
  MessageDetail,
  QueuePoint,
  QueueStatus,
  Snapshot,
} from '../../src/dashboard/events.ts'
import { QUEUES, type QueueName } from '../../src/github/routes.ts'
import { envelopeFields } from '../../src/view/envelope-fields.ts'
import { examples } from './examples.ts'

/** Bytes that look like noise and are the same each time. */
const noise = (length: number, seed: number): Buffer => {
  let state = (seed * 2_654_435_761) >>> 0
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }),
  )
}

const KEY_IDS: Readonly<Record<QueueName, string>> = {
  'task-tactician': 'key-a',
  'merge-warden': 'key-b',
  'spec-sentinel': 'key-c',
}

/** A body with the fields of a sealed one; nobody holds its key. */
const envelope = (keyId: string, length: number, at: number, seed: number): Buffer => {
  const head = Buffer.alloc(31)
  head.write('QRE1', 'latin1')
  head.writeUInt8(1, 4)
  head.writeBigInt64BE(BigInt(at), 6)
  noise(12, seed).copy(head, 14)
  head.writeUInt32BE(length, 26)
  head.writeUInt8(keyId.length, 30)
  return Buffer.concat([head, Buffer.from(keyId), noise(length, seed + 1), noise(16, seed + 2)])
}

export const messageFixture = (number: number, now: number, change: Partial<MessageDetail> = {}): MessageDetail => {
  const at = change.at ?? now
  const queue = change.queue ?? QUEUES[number % QUEUES.length] ?? 'spec-sentinel'
  const keyId = KEY_IDS[queue]
  const text = examples[queue]
  const sealed = change.sealed ?? true
  const stored = sealed ? envelope(keyId, Buffer.byteLength(text), at, number) : Buffer.from(text)
  const event = { 'task-tactician': 'pull_request', 'merge-warden': 'issues', 'spec-sentinel': 'push' }[queue]
  const messageId = `4f1c${number.toString(16).padStart(4, '0')}-7a3d-4c1e-9b52-0d7e5a${(number * 7_919).toString(16).padStart(6, '0')}`
  return {
    key: `copy-${number}`,
    ...{ queue, messageId, event, sealed },
    stage: 'completed',
    keyId: sealed ? keyId : null,
    storedBytes: stored.length,
    ...{ at, attack: null, refusal: null, deadLetterReason: null },
    sessionId: 'codertocat/hello-world/pull_request/2',
    correlationId: messageId,
    attributes: { 'github-event': event },
    hex: stored.subarray(0, 512).toString('hex'),
    fields: envelopeFields(stored),
    readBytes: Buffer.byteLength(text),
    text: text.slice(0, 1_500),
    ...change,
  }
}

const attack = (number: number, name: string, title: string, description: string, isLimit = false): AttackInfo => ({
  ...{ number, name, title, description, isLimit },
  unavailable: null,
})

export const ATTACKS: readonly AttackInfo[] = [
  attack(2, 'flip-bit', 'Flip one bit', 'Changes one bit of a stored message.'),
  attack(3, 'truncate', 'Cut it short', 'Takes the last bytes off a stored message.'),
  attack(4, 'append', 'Append bytes', 'Adds bytes to the end of a stored message.'),
  attack(7, 'forge', 'Forge a message', 'Writes an envelope of its own, with the right key id and no key.'),
  attack(8, 'swap-bodies', 'Swap two bodies', 'Exchanges the bodies of two messages in one queue.'),
  attack(9, 're-post', 'Post it under a new id', 'Puts a copy into the queue under a message id of its own.'),
  attack(10, 'move-session', 'Move to another session', 'Changes the session of a stored message.'),
  attack(14, 'look-fresh', 'Make an old one look fresh', 'Edits the time in the header of an old message.'),
  attack(18, 'replay', 'Replay after it was handled', 'Puts a copy of a handled message into the queue.'),
  attack(26, 'inject-plaintext', 'Inject plaintext', 'Writes a readable message into the queue.'),
  attack(28, 'other-version', 'Claim another version', 'Changes the version byte of a stored message.'),
  attack(31, 'key-id-path', 'A key id that is a path', 'Writes ../other-secret where the key id stands.'),
  attack(32, 'redirect-key', 'Redirect to another key', 'Names another valid key of the queue.'),
  attack(
    17,
    'replay-untracked',
    'Replay without a nonce store',
    'A copy within the window, nobody keeping count.',
    true,
  ),
  attack(
    34,
    'copy-shared-key',
    'Copy to a queue with the same key',
    'Two queues share a key and name no audience.',
    true,
  ),
  attack(37, 'edit-attribute', 'Edit an unlisted attribute', 'Changes an attribute that the tag does not cover.', true),
  attack(44, 'reorder', 'Reorder or hold back', 'Delivers in another order than was sent.', true),
]

export const resultFixture = (info: AttackInfo, at: number, key: string): AttackResult => ({
  ...{ name: info.name, at },
  tried: `${info.description} It was done at the broker while the message waited.`,
  happened: info.isLimit
    ? 'The bot read the message: nothing in the envelope tells. A handler that is idempotent, or a nonce store, helps.'
    : 'The tag did not verify. The bot was never called, and the message went to the dead letters with its bytes as they were.',
  outcome: info.isLimit ? 'accepted' : info.name === 'replay' ? 'settled' : 'refused',
  codes: info.isLimit ? [] : [info.name === 'replay' ? 'NonceReused' : 'AuthenticationFailed'],
  messages: [key],
  deadLetter:
    info.isLimit || info.name === 'replay'
      ? null
      : { queue: 'task-tactician', reason: 'MessageRefused', messageId: '4f1c0007-7a3d-4c1e-9b52-0d7e5a00d859' },
})

export const pointFixture = (queue: QueueName, at: number, change: Partial<QueuePoint> = {}): QueuePoint => {
  const wave = Math.sin(at / 9_000 + QUEUES.indexOf(queue) * 2)
  const sent = Math.max(0, Math.round(6 + 4 * wave))
  return {
    ...{ queue, at, sent, handled: sent, refused: 0, sealed: sent, plaintext: 0, depth: 0 },
    latencyP50Ms: 3.2 + wave,
    latencyP95Ms: 9.5 + 3 * Math.sin(at / 4_000),
    ageMs: 12 + 5 * wave,
    ...change,
  }
}

const statusFixture = (queue: QueueName, now: number): QueueStatus => ({
  queue,
  mode: 'reject',
  seals: true,
  intake: 'running',
  pausedBy: null,
  keys: [{ id: KEY_IDS[queue], createdAt: now - 8_000_000, isCurrent: true }],
  totals: { sent: 1_204, handled: 1_204, refused: 3, deadLetters: 3 },
})

const HISTORY_S = 150

export const snapshotFixture = (now: number): Snapshot => ({
  backends: { queue: 'embedded', keys: 'in memory', nonces: 'in memory' },
  hasLab: true,
  queues: QUEUES.map((queue) => statusFixture(queue, now)),
  messages: [],
  points: Array.from({ length: HISTORY_S }, (_, second) => second).flatMap((second) =>
    QUEUES.map((queue) => pointFixture(queue, now - (HISTORY_S - second) * 1_000)),
  ),
  attacks: ATTACKS,
  results: [],
  outages: { broker: false, keys: false, nonces: false },
  traffic: true,
  requests: { 'task-tactician': 401, 'merge-warden': 402, 'spec-sentinel': 401, ignored: 812, failed: 0 },
})
