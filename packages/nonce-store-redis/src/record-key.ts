import type { NonceIdentity } from '@queue-runtime/crypto'

/** Four digits for each: the next character can never be taken for one of them. */
const escaped = (text: string, others: RegExp): string =>
  text.replace(others, (character) => `%${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/**
 * Returns what gives the key of a record: `<prefix>:n:<scope>:<keyId>:<nonce in base64url>` (protocol.md 5). No two identities
 * share one: a colon stands in none of prefix, scope and nonce, and what could be taken for another name is escaped. What the
 * grammars of queue names and key ids allow stays as it is.
 *
 * @example
 * recordKeys('qr')({ scope: 'orders', keyId: 'orders-2026-11', nonce }) // qr:n:orders:orders-2026-11:Cgs...
 */
export function recordKeys(prefix: string): (identity: Omit<NonceIdentity, 'token'>) => string {
  // Most have the scope and the key id of the one before.
  let last = { scope: '', keyId: '', text: `${prefix}:n:::` }
  return ({ scope, keyId, nonce }) => {
    if (scope !== last.scope || keyId !== last.keyId) {
      const names = `${escaped(scope, /[^A-Za-z0-9_.-]/g)}:${escaped(keyId, /[^A-Za-z0-9_.:-]/g)}`
      last = { scope, keyId, text: `${prefix}:n:${names}:` }
    }
    return last.text + Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).toString('base64url')
  }
}
