/** Tells envelopes apart: the nonce stands in the header at a fixed offset (protocol.md 1). */
export const envelopeOf = (body: Uint8Array): string => Buffer.from(body.subarray(14, 26)).toString('hex')
