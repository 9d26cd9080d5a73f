import type { Kind } from './kinds.ts'

/** Why a program cannot be had: one sentence for a reader who wants to go on. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing'
}

/** What apt, dpkg and the file system say, to what it means here; the first match counts. */
const causes = [
  { sign: /ENOSPC|No space left/i, because: 'the disk is full' },
  {
    sign: /EACCES|EPERM|EROFS|EEXIST|ENOTDIR|Permission denied|Read-only file system/i,
    because: 'a file or folder cannot be written',
  },
  {
    sign: /NO_PUBKEY|not signed|certificate/i,
    because: 'what the package mirror sends is not trusted here',
  },
  {
    sign: /Could not resolve|Could not connect|Temporary failure|Connection (failed|timed out|refused)|Network is unreachable|Failed to fetch/i,
    because: 'the package mirror cannot be reached',
  },
  {
    sign: /Unable to locate package|no installation candidate|Can't find a source|Version '.*' for '.*' was not found/i,
    because: 'no package source of this machine has it',
  },
] as const

/**
 * The failure to fetch a kind, with what a reader can do about it.
 *
 * @param why an `Error`'s message or what a program printed
 */
export function couldNotFetch(kind: Kind, why: string): ToolMissing {
  const lines = why.trim().split('\n')
  const because = causes.find(({ sign }) => sign.test(why))?.because ?? lines.at(-1)
  return missing(kind, `could not be fetched because ${because}`)
}

/** @param how as the end of a sentence that begins with the kind */
export function missing({ title, packages, variable, programs }: Kind, how: string): ToolMissing {
  const [first] = programs
  return new ToolMissing(
    `${title} is not on this machine and ${how}: install it (on Debian: apt-get install ${packages.join(' ')}), or name ` +
      `${first.names[0]} in ${variable}.`,
  )
}
