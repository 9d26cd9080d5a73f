/** Why the bootstrap cannot go on: one sentence for the reader and, where a step wrote something, the end of it. */
export class Failure extends Error {
  /**
   * @param {string} sentence
   * @param {string} [output] what the failed step printed
   */
  constructor(sentence, output = '') {
    super(sentence)
    this.output = output
  }
}

/** What npm and pnpm print, to what it means here; the first match counts. `subject` begins the sentence. */
const causes = [
  {
    sign: /ENOSPC|No space left/i,
    says: (subject) => `${subject} failed because the disk is full: free some space and run the same command again.`,
  },
  {
    sign: /OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|NO_LOCKFILE|BROKEN_LOCKFILE/,
    says: (subject) =>
      `${subject} failed because pnpm-lock.yaml does not match the package.json files: run ` +
      '`node tooling/bootstrap/run.mjs --no-install pnpm install` and commit the lock with the change.',
  },
  {
    sign: /can only install .*when your package\.json|in sync/,
    says: (subject) =>
      `${subject} failed because tooling/bootstrap/package-lock.json does not match the package.json beside it: run ` +
      '`npm install --package-lock-only --omit-lockfile-registry-resolved` in that folder and commit the lock.',
  },
  {
    sign: /EINTEGRITY|INTEGRITY/,
    says: (subject) => `${subject} failed because the registry served something other than what the lock says.`,
  },
  {
    sign: /CERT|certificate/i,
    says: (subject) =>
      `${subject} failed because the registry's certificate is not trusted here: set npm's \`cafile\` to your proxy's authority.`,
  },
  {
    sign: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ENETUNREACH|EHOSTUNREACH|EPROTO|error sending request|META_FETCH_FAIL|network/i,
    says: (subject) =>
      `${subject} failed because the package registry cannot be reached: check the network, the proxy and npm's ` +
      '`registry` setting, then run the same command again.',
  },
  {
    sign: /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    says: (subject) => `${subject} failed because a folder cannot be written to: see the lines below.`,
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
  return new Failure(cause ? cause.says(subject) : `${subject} failed (${how}).`, output)
}
