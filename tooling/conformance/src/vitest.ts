import { describe, it } from 'vitest'
import type { Kit, Subject } from './kit/case.ts'
import { plan } from './kit/plan.ts'

/** `timeoutMs`: for each case, in milliseconds. Default the runner's. `concurrent`: cases of real time wait side by side */
export interface DescribeOptions {
  readonly timeoutMs?: number
  readonly concurrent?: boolean
}

/**
 * Describes every case of a kit for one subject to vitest. What is skipped is reported with its reason.
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
  const options = timeoutMs === undefined ? { concurrent } : { concurrent, timeout: timeoutMs }
  describe(`${kit.name}: ${subject.name}`, options, () => {
    for (const { name, requirement, skip, run } of planned) {
      it(`${name} (${requirement})`, async (context) => {
        context.skip(skip !== undefined, skip)
        await run()
      })
    }
  })
}
