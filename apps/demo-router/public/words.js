/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */
/** @typedef {import('../src/dashboard/events.ts').Stage} Stage */
/** @typedef {import('../src/dashboard/events.ts').QueueMode} QueueMode */
/** @typedef {import('../src/dashboard/events.ts').AttackResult} AttackResult */

/** @type {Readonly<Record<Stage, string>>} */
export const STAGES = {
  stored: 'waits at the broker',
  read: 'with its bot',
  completed: 'opened by its bot',
  refused: 'refused',
  dead: 'dead letter',
  gone: 'taken away at the broker',
}

/** What a refusal means, by the code of its error. @type {Readonly<Record<string, string>>} */
const REFUSALS = {
  AuthenticationFailed:
    'The tag does not fit: bytes, ids or key are not those it was sealed with. Which of them, nobody is told.',
  InvalidEnvelope: 'It carries the marker, but is no whole envelope.',
  UnsupportedVersion: 'It claims a version of the format that this client does not know. There is no falling back.',
  UnencryptedMessage: 'It is plaintext, and this queue takes sealed messages only.',
  MessageExpired: 'It was sealed longer ago than this queue accepts.',
  MessageFromFuture: 'It claims a time that has not come yet.',
  NonceReused: 'The same sealed bytes were handled before: a copy.',
  KeyNotFound: 'It names a key that does not belong to this queue.',
  KeyExpired: 'It was sealed with a key whose time is over.',
  KeyDisabled: 'It was sealed with a key that was switched off.',
  KeyProviderError: 'The key store does not answer: the message waits where it is.',
  KeyProviderMissing: 'It is sealed, and this client has no keys.',
  NonceStoreUnavailable: 'The nonce store does not answer: the message waits where it is.',
}

/** @param {string} code */
export const meaningOf = (code) => REFUSALS[code] ?? 'The client did not hand it to the bot.'

/** @type {Readonly<Record<AttackResult['outcome'], { readonly label: string, readonly short: string, readonly mark: string }>>} */
export const OUTCOMES = {
  refused: { label: 'Refused', short: 'Refused', mark: '✓' },
  settled: { label: 'Recognised, removed', short: 'Recognised', mark: '✓' },
  accepted: { label: 'Accepted: a known limit', short: 'Accepted', mark: '!' },
  failed: { label: 'Got through: a defect', short: 'Got through', mark: '✕' },
}

/** @type {Readonly<Record<QueueMode, { readonly label: string, readonly short: string, readonly sentence: string }>>} */
export const MODES = {
  plaintext: { label: 'Allow (debug)', short: 'takes plaintext', sentence: 'takes plaintext too' },
  'allow-with-alert': { label: 'Allow, alert', short: 'plaintext alerts', sentence: 'takes plaintext, with an alert' },
  reject: { label: 'Reject', short: 'sealed only', sentence: 'takes sealed messages only' },
}

/** Where a message is, in a few words. @param {MessageRow} row */
export const outcomeOf = ({ stage, refusal }) => {
  if (refusal === null) return STAGES[stage]
  return stage === 'dead' ? `refused: ${refusal}, dead letter` : `refused: ${refusal}`
}
