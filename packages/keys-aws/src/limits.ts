// Limits of Secrets Manager. Source: the API reference of CreateSecret and PutSecretValue, and "Quotas" of the user guide.

/** CreateSecret: Name. It knows no colon, and tells case apart. */
export const SECRET_NAME: RegExp = /^[A-Za-z0-9/_+=.@-]{1,512}$/
/** PutSecretValue: ClientRequestToken, which becomes the id of the version: 32 to 64 characters, in general a UUID. */
export const VERSION: RegExp = /^[A-Za-z0-9][A-Za-z0-9-]{31,63}$/
/** What is left for the label of a secret in a key id of 128 characters. */
export const LABEL: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
