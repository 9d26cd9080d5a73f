/** Something that the lab cannot do now: answered 409 with the sentence. */
export class LabConflict extends Error {
  override readonly name = 'LabConflict'
  /** For programs. */
  readonly code: string

  constructor(code: string, sentence: string) {
    super(sentence)
    this.code = code
  }
}
