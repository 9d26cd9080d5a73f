/** `QRE1`: the first four bytes of every sealed body, frozen for ever (protocol.md 1). */
const MARKER = Uint8Array.of(0x51, 0x52, 0x45, 0x31)

/**
 * True exactly when the body begins with the four marker bytes. Nothing of what follows them is looked at, let alone verified.
 *
 * @example
 * isEncrypted(message.body) // false for plaintext
 */
export const isEncrypted = (body: Uint8Array): boolean =>
  body.length >= MARKER.length && MARKER.every((byte, index) => body[index] === byte)
