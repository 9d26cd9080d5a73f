import { createHash } from 'node:crypto'

/** So many bytes without a pattern, the same at every run. */
export const anyBytes = (length: number): Uint8Array =>
  length === 0
    ? new Uint8Array(0)
    : new Uint8Array(createHash('shake256', { outputLength: length }).update(`conformance ${length}`).digest())
