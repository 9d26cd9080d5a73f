/** Five numbers in a row: cheap to look for, and missing in most texts. */
const SOME_NUMBERS = /\d,[\s\d'":]*\d,[\s\d'":]*\d,[\s\d'":]*\d,[\s\d'":]*\d/

/** A number of a list, with the index that inspect and JSON put before those of a typed array. */
const NUMBER = String.raw`(?:["']?\d{1,4}["']?:\s*)?\d{1,3}`
const LIST = new RegExp(String.raw`(?:${NUMBER},\s*){7,}${NUMBER}`, 'g')

/** A list of numbers in a text, as the bytes that it spells. */
export interface NumberList {
  readonly at: number
  readonly bytes: Buffer
}

/** Returns the lists of eight numbers and more, in whatever way they are laid out. */
export function numberListsIn(text: string): NumberList[] {
  if (!SOME_NUMBERS.test(text)) return []
  return Array.from(text.matchAll(LIST), ({ index, 0: list }) => {
    const numbers = Array.from(list.matchAll(/(\d+)\s*(?:,|$)/g), ([, digits]) => Number(digits))
    return { at: index, bytes: Buffer.from(numbers) }
  })
}
