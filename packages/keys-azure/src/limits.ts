// Limits of Key Vault. Source: "About keys, secrets and certificates" and the REST API reference of secrets.

/** Names of secrets. They know no dot and no colon, and are compared without regard to case. */
export const SECRET_NAME: RegExp = /^[0-9A-Za-z-]{1,127}$/
/** What Key Vault calls a version. */
export const VERSION: RegExp = /^[0-9a-f]{32}$/
/** Attributes count whole seconds; the SDK (4.12) writes them as 32 bits, and turns later ones into dates of the past. */
export const LAST_MOMENT_MS: number = 0x7fff_ffff * 1_000
