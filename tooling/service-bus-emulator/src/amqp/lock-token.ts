/** The order in which .NET writes the bytes of a UUID: its first three numbers are little-endian. */
const DOTNET_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const

const bytesOf = (token: string): Buffer => Buffer.from(token.replaceAll('-', ''), 'hex')

const textOf = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const reordered = (bytes: Buffer): Buffer => Buffer.from(DOTNET_ORDER.map((index) => bytes[index] ?? 0))

/** A delivery carries its lock token as its tag. */
export const tagOf = (token: string): Buffer => reordered(bytesOf(token))
export const tokenOfTag = (tag: Buffer): string => textOf(reordered(tag))

/** Requests to the management node carry it as a UUID. */
export const uuidOf = (token: string): Buffer => bytesOf(token)
export const tokenOfUuid = (uuid: Buffer): string => textOf(uuid)
