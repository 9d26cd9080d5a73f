import type { Channel } from './channels.ts'
import { createFinder } from './finder.ts'
import { plain } from './plain.ts'
import { eachText } from './reach.ts'
import type { Spelling } from './spellings.ts'

/** A key that was shown. */
export interface Leak {
  readonly channel: Channel
  readonly spelling: Spelling
  /** Says where, without the key. */
  readonly text: string
}

export interface Watch {
  /** Takes a copy of the bytes of a key. */
  learn(key: Uint8Array): void
  /** Notes all that a value shows. `place` is the line that shows it. */
  look(channel: Channel, value: unknown, place?: string): void
  /** Takes back a text that was just made as JSON, unless it was shown elsewhere, too. */
  forget(text: string): void
  /** Looks for the keys that are known by now in what was shown since the last call. */
  take(): Leak[]
}

interface Shown {
  readonly channel: Channel
  readonly place: string | undefined
}

/** Any eleven bytes in a row of a key hold a piece that is looked for: half of a key is found, and so is a third. */
const STRIDE = 4
const MIN_CHARACTERS = 11

/** What was shown waits until the test ends, since a key may be shown before it is made, while its text is read. */
const MAX_WAITING_CHARACTERS = 100_000

/** A file that makes more keys is watched for its newest, so that a long run stays small. */
const MAX_KEYS = 1_024

/** A key with fewer different bytes is no secret, and would be found where none is. */
const MIN_DIFFERENT_BYTES = 12

const MAX_LEAKS = 10
const CONTEXT_CHARACTERS = 60

export function createWatch(): Watch {
  const waiting = new Map<string, Shown>()
  let waitingCharacters = 0
  let keys = new Set<string>()
  let finder = createFinder(STRIDE)
  let leaks: { readonly leak: Leak; readonly shown: string }[] = []

  const report = (text: string, at: number, spelling: Spelling, { channel, place }: Shown): void => {
    const before = plain.stringify(text.slice(Math.max(0, at - CONTEXT_CHARACTERS), at)).slice(1, -1)
    const where = place === undefined ? channel : `${channel} at ${place}`
    if (leaks.length >= MAX_LEAKS) return
    leaks.push({ leak: { channel, spelling, text: `${where}: ${before}[key, ${spelling}]` }, shown: text })
  }

  const sift = (): void => {
    for (const [text, shown] of waiting) {
      for (const { spelling, at } of finder.find(text)) report(text, at, spelling, shown)
    }
    waiting.clear()
    waitingCharacters = 0
  }

  const forgetOldKeys = (): void => {
    sift()
    keys = new Set([...keys].slice(-MAX_KEYS / 2))
    finder = createFinder(STRIDE)
    for (const key of keys) finder.add(Buffer.from(key, 'latin1'))
  }

  return {
    learn(key) {
      const text = Buffer.from(key).toString('latin1')
      if (keys.has(text) || new Set(key).size < MIN_DIFFERENT_BYTES) return
      if (keys.size >= MAX_KEYS) forgetOldKeys()
      keys.add(text)
      finder.add(key)
    },
    look(channel, value, place) {
      eachText(value, (text) => {
        const known = waiting.get(text)
        if (text.length < MIN_CHARACTERS || (known !== undefined && known.channel !== 'JSON')) return
        waiting.set(text, { channel, place })
        if (known !== undefined) return
        // Short texts take room as well.
        waitingCharacters += text.length + 50
        if (waitingCharacters > MAX_WAITING_CHARACTERS) sift()
      })
    },
    forget(text) {
      if (waiting.get(text)?.channel === 'JSON') waiting.delete(text)
      leaks = leaks.filter(({ leak, shown }) => shown !== text || leak.channel !== 'JSON')
    },
    take() {
      sift()
      const taken = leaks.map(({ leak }) => leak)
      leaks = []
      return taken
    },
  }
}
