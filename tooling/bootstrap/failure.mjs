/** Why the bootstrap cannot go on: one sentence for the reader and, where a step wrote something, what it wrote. */
export class Failure extends Error {
  /**
   * @param {string} sentence
   * @param {string} [output]
   */
  constructor(sentence, output = '') {
    super(sentence)
    this.output = output
  }
}

/** What npm, pnpm and the file system say, to what it means here; the first match counts. */
const causes = [
  {
    sign: /ENOSPC|No space left/i,
    because: 'the disk is full: free some space and run the same command again.',
  },
  {
    sign: /OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|NO_LOCKFILE|BROKEN_LOCKFILE|pnpm-lock\.yaml is not up/,
    because:
      'pnpm-lock.yaml does not match the package.json files: run `node tooling/bootstrap/run.mjs --no-install pnpm install` ' +
      'and commit the lock with the change.',
  },
  {
    sign: /can only install .*when your package\.json/,
    because:
      'tooling/bootstrap/package-lock.json does not match the package.json beside it: run ' +
      '`npm install --package-lock-only --omit-lockfile-registry-resolved` in that folder and commit the lock.',
  },
  {
    sign: /EBADPLATFORM/,
    because: 'there is none for this system (musl, for one): install both by hand and run the same command again.',
  },
  {
    sign: /INTEGRITY/,
    because: 'the registry served something other than what the lock says.',
  },
  {
    sign: /CERT|certificate/i,
    because: "the registry's certificate is not trusted here: set npm's `cafile` to the authority of your proxy.",
  },
  {
    sign: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ENETUNREACH|EHOSTUNREACH|EPROTO|error sending request|network/i,
    because:
      "the package registry cannot be reached: check the network, the proxy and npm's `registry` setting, then run the " +
      'same command again.',
  },
  {
    sign: /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    because: 'a file or folder cannot be written.',
  },
]

/**
 * The failure of a step of ours, told from what it printed.
 *
 * @param {string} subject what was being done, as the beginning of a sentence
 * @param {string} how it ended, for what the table does not know
 * @param {string} output
 */
export function failureOf(subject, how, output) {
  const cause = causes.find(({ sign }) => sign.test(output))
  return new Failure(cause ? `${subject} failed because ${cause.because}` : `${subject} failed (${how}).`, output)
}
