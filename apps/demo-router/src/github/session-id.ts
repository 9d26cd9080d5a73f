import { createHash } from 'node:crypto'

/** The bound of every broker that we know, and of `sessionId` in core. */
const MAX_LENGTH = 128
/** All but printable ASCII without space: SQS refuses the space, core the rest. */
const UNFIT = /[^\x21-\x7e]/gu
const HASHED = /~[0-9a-f]{32}$/

/**
 * Returns `text` (well-formed Unicode) where every broker takes it as a session id; else an ASCII prefix of it, `~` and the
 * first 128 bits of its SHA-256 in hex. Stable, and distinct for distinct texts: a text that looks like a hashed one is
 * hashed too.
 */
export function fitSessionId(text: string): string {
  const readable = text.replace(UNFIT, '_')
  if (text.length <= MAX_LENGTH && readable === text && !HASHED.test(text)) return text
  const hash = `~${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
  return readable.slice(0, MAX_LENGTH - hash.length) + hash
}
