import { describe, it, vi } from 'vitest'
import type { Kit, Subject } from './kit/case.ts'
import { plan } from './kit/plan.ts'

/**
 * - `timeoutMs`: for each case, in milliseconds. Default the runner's
 * - `concurrent`: so many cases at once, each on a bench of its own: in real time they mostly wait. Default one after the other
 */
export interface DescribeOptions {
  readonly timeoutMs?: number
  readonly concurrent?: boolean | number
}

/**
 * Describes every case of a kit for one subject to vitest. The reason of a skip is the note of its test, which reporters show.
 *
 * @throws Error that lists what is wrong with the subject, as `plan` does
 * @example
 * describeCases(providerKit, subject)
 */
export function describeCases<
  Setup extends { close(): Promise<void> },
  Bench extends { close(): Promise<void> },
  Mutant extends string,
  Feature extends string,
>(
  kit: Kit<Setup, Bench, Mutant, Feature>,
  subject: Subject<Setup, NoInfer<Feature>>,
  { timeoutMs, concurrent = false }: DescribeOptions = {},
): void {
  const planned = plan(kit, subject)
  if (typeof concurrent === 'number') vi.setConfig({ maxConcurrency: concurrent })
  const timeout = timeoutMs === undefined ? {} : { timeout: timeoutMs }
  describe(`${kit.name}: ${subject.name}`, { concurrent: concurrent !== false, ...timeout }, () => {
    for (const { name, requirement, skip, run } of planned) {
      it(`${name} (${requirement})`, async (context) => {
        context.skip(skip !== undefined, skip)
        await run()
      })
    }
  })
}
