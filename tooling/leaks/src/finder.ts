import { numberListsIn } from './number-lists.ts'
import { isCount, type Spelling, TEXTS } from './spellings.ts'

/** A spelling of a secret, and where in the text it begins. */
interface Found {
  readonly spelling: Spelling
  readonly at: number
}

export interface Finder {
  add(secret: Uint8Array): void
  /** Each spelling in which a piece of a secret stands in the text, at its first place. */
  find(text: string): Found[]
}

interface Needle {
  readonly text: string
  readonly spelling: Spelling
}

/** Every needle has at least so many characters, and is looked up by them. */
const HEAD = 8

/** Odd, and without a pattern in their bits. */
const EARLY = 0x3243f6a9
const LATE = 0x1e3779b1

/** Takes two numbers that hold four characters each. */
const hashOf = (early: number, late: number): number => Math.imul(early, EARLY) ^ Math.imul(late, LATE)

const fold = (characters: string): number => {
  let folded = 0
  for (let at = 0; at < characters.length; at += 1) folded = (folded << 8) ^ characters.charCodeAt(at)
  return folded
}

/**
 * Looks for any number of secrets in one pass over a text: a hash of eight characters says where to look closer. It finds any eight
 * bytes in a row of a secret (nine in base64); where only every `stride`-th piece is kept, `stride` − 1 more.
 */
export function createFinder(stride = 1): Finder {
  const needles = new Map<string, Needle[]>()
  let shift = 16
  let marks = new Uint8Array(2 ** (32 - shift))

  const mark = (head: string): void => {
    marks[hashOf(fold(head.slice(0, HEAD / 2)), fold(head.slice(HEAD / 2))) >>> shift] = 1
  }

  const addNeedle = (needle: Needle): void => {
    const head = needle.text.slice(0, HEAD)
    const known = needles.get(head) ?? []
    if (known.some(({ text, spelling }) => text === needle.text && spelling === needle.spelling)) return
    known.push(needle)
    needles.set(head, known)
    mark(head)
    // Few marks among many places: most characters of a text are passed over at once.
    if (needles.size * 32 <= marks.length) return
    shift -= 2
    marks = new Uint8Array(2 ** (32 - shift))
    for (const each of needles.keys()) mark(each)
  }

  const scan = (text: string, report: (needle: Needle, at: number) => void): void => {
    const [marked, width] = [marks, shift]
    // The last four characters, and what they were when one, two, three and four fewer were read.
    let [now, one, two, three, four] = [0, 0, 0, 0, 0]
    for (let end = 0; end < text.length; end += 1) {
      four = three
      three = two
      two = one
      one = now
      now = (now << 8) ^ text.charCodeAt(end)
      if (marked[hashOf(four, now) >>> width] === 0) continue
      const at = end - HEAD + 1
      for (const needle of needles.get(text.slice(at, end + 1)) ?? []) {
        if (text.startsWith(needle.text, at)) report(needle, at)
      }
    }
  }

  return {
    add(secret) {
      for (const [spelling, textsOf] of TEXTS) {
        for (const text of textsOf(Buffer.from(secret), stride)) addNeedle({ text, spelling })
      }
    },
    find(text) {
      if (needles.size === 0) return []
      const found = new Map<Spelling, number>()
      const note = (spelling: Spelling, at: number): void => void (found.has(spelling) || found.set(spelling, at))
      scan(text, ({ spelling }, at) => note(spelling, at))
      for (const { at, bytes } of numberListsIn(text)) {
        const spelled = bytes.toString('latin1')
        // A list that merely counts is a key only if it is nothing but the key.
        scan(spelled, (needle) => (!isCount(bytes) || needle.text === spelled) && note('numbers', at))
      }
      return Array.from(found, ([spelling, at]) => ({ spelling, at }))
    },
  }
}
