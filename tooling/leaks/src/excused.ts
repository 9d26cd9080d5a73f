import type { Channel } from './channels.ts'
import type { Leak } from './watch.ts'

/** A test that spells a key on purpose. */
export interface Excuse {
  readonly file: string
  /** A part of the name of the test, its groups included. */
  readonly test: string
  /** Where the key shows. In all other channels the test is watched like any other. */
  readonly channels: readonly Channel[]
  readonly reason: string
}

export const EXCUSES: readonly Excuse[] = [
  {
    file: 'tooling/attacks/test/attacks.test.ts',
    test: 'the table catches a library that > logs keys',
    channels: ['log', 'inspect', 'JSON'],
    reason: 'The library is broken on purpose; attack 40 prints its lines and finds the key in them.',
  },
  {
    file: 'tooling/attacks/test/attacks.test.ts',
    test: 'apart from its one fault, a library that > logs keys',
    channels: ['log'],
    reason: 'The same library, which carries a message nevertheless.',
  },
  {
    file: 'tooling/conformance/test/key-providers.test.ts',
    test: 'the kit catches a key provider > that shows its keys',
    channels: ['inspect', 'JSON'],
    reason: 'The provider is broken on purpose; the case prints it and finds the key.',
  },
]

/**
 * Returns the leaks of a test that its excuse does not cover.
 * @throws Error: the test has an excuse and needs none
 */
export function inexcusable(
  test: { file: string; name: string },
  leaks: readonly Leak[],
  excuses: readonly Excuse[] = EXCUSES,
): Leak[] {
  const excuse = excuses.find((one) => one.file === test.file && test.name.includes(one.test))
  if (excuse === undefined) return [...leaks]
  if (leaks.length === 0) throw new Error('No key was shown: the test needs no excuse.')
  return leaks.filter(({ channel }) => !excuse.channels.includes(channel))
}
