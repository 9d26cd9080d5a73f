import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Random } from '../random.ts'

const require = createRequire(import.meta.url)

/** Bodies of one kind. */
export interface Workload {
  readonly name: string
  readonly bodies: readonly Uint8Array[]
  /** What one round works on. */
  inputsOf(random: Random): readonly Uint8Array[]
}

export const DEFAULT_SIZES: readonly number[] = [256, 1024, 8 * 1024, 64 * 1024, 1024 * 1024]

const nameOf = (bytes: number): string => {
  if (bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20} MiB`
  return bytes % 2 ** 10 === 0 ? `${bytes / 2 ** 10} KiB` : `${bytes} B`
}

/** One body of random bytes. */
export function bodyOf(bytes: number): Workload {
  const bodies = [new Uint8Array(randomBytes(bytes))]
  return { name: nameOf(bytes), bodies, inputsOf: () => bodies }
}

const SAMPLE = 8

/** Every delivery of `@octokit/webhooks-examples`, as GitHub posts them; each round works on a few. */
export function realDeliveries(): Workload {
  const definitions: { examples: unknown[] }[] = require('@octokit/webhooks-examples')
  const bodies = definitions.flatMap(({ examples }) =>
    examples.map((example) => new Uint8Array(Buffer.from(JSON.stringify(example)))),
  )
  const lengths = bodies.map(({ length }) => length).sort((one, other) => one - other)
  const [smallest, median, largest] = [0, 0.5, 1].map((share) =>
    lengths[Math.round(share * (lengths.length - 1))]?.toLocaleString('en-US'),
  )
  return {
    name: `${bodies.length} webhook deliveries of ${smallest} to ${largest} bytes, median ${median}`,
    bodies,
    inputsOf: (random) =>
      Array.from({ length: SAMPLE }, () => bodies[random.below(bodies.length)] ?? new Uint8Array(0)),
  }
}
